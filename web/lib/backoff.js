// backoff.js - how long to wait before the next attempt to connect.

/**
 * Milliseconds before attempt number `attempt` (from 1): doubling from half a second to half a
 * minute. Half of it is chance, so that the readers of a server that restarts do not all come back
 * in the same instant.
 */
export function backoff(attempt, random = Math.random) {
	const full = Math.min(30_000, 500 * 2 ** Math.min(attempt - 1, 10));
	return Math.round(full / 2 + random() * (full / 2));
}
