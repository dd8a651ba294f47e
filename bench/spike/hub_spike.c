/*
 * hub_spike.c - measures the hub's seams before they freeze: homes or locks, layouts, batches, letters.
 *
 *	gcc -std=gnu11 -O2 -Wall -Wextra -pthread -o hub_spike hub_spike.c
 *	./hub_spike A 2 1 10000 8 32 32 1 0 1 6400	one row; the arguments are the fields of struct cfg
 *
 * No sockets: a delivery is an indirect call that writes to the receiver's own 64 bytes. Times are
 * CPU time of the workers, the median of 5 runs (lowest-highest). docs/design/hub.md has the results. A turn:
 *
 *	publish 32 messages -> drain the mailbox -> fan out what the topics gathered -> post letters, wake, sleep
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

enum { WORKERS = 2, RUNS = 5, TURN = 32, LETTER_MAX = 8, RING = 4096, STAGE = 65536 };
enum { HISTORY = 16, SHARDS = 64, MAP = 1 << 18 };
enum layout { DENSE, PREFETCH, LIST };
enum kind { PUBLISH, FANOUT };

struct msg {
	atomic_uint refs;
	uint32_t len;
	uint64_t offset;
	char data[48];
};
struct batch {
	struct batch *next;
	uint32_t n, bytes, refs;
	struct msg *msg[TURN];
	char wire[TURN * 48];
};
struct worker;
struct sub { /* the hot 64 bytes of a receiver */
	void (*deliver)(struct worker *, struct sub *, struct batch *);
	struct batch *tail;
	struct sub *flush_next;
	uint64_t turn, bytes;
	uint32_t state, queued;
	uint64_t spare[2];
};
struct entry {
	struct sub *sub;
	uint32_t back, flags;
};
struct node {
	struct sub *sub;
	struct node *next, *prev;
	struct topic *topic;
};
struct topic { /* a channel as one worker sees it */
	uint64_t hash, last;
	union {
		struct entry *entry;
		struct node *head;
	};
	struct batch *batch; /* what this turn has gathered; NULL when idle */
	struct topic *dirty_next;
	uint32_t n, dirty;
};
struct channel { /* at its home (A) or under its shard's lock (B) */
	uint64_t hash, offset, turn;
	struct msg **history;
	struct topic *topic[WORKERS]; /* the interested workers and their handles */
	uint32_t staged[WORKERS];     /* this turn's letter, which may still have room */
};
struct letter {
	_Atomic uint64_t seq;
	uint32_t kind, n;
	uint64_t key;
	struct msg *msg[LETTER_MAX];
};
struct ring {
	_Alignas(64) _Atomic uint64_t tail;
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) atomic_int asleep;
	int fd;
	char *slots;
};
struct cell {
	uint64_t hash;
	void *p;
};
struct worker {
	_Alignas(64) uint32_t id;
	struct ring mail;
	char *out[WORKERS]; /* letters staged in this turn, posted at its end */
	uint32_t out_n[WORKERS];
	struct topic *topics, *dirty;
	struct sub *slab, *flush;
	struct node *nodes;
	struct batch *used, *spare;
	struct cell *local; /* a map from hashes to topics */
	uint64_t turn, rng, seen, published, wakes, letters, disorder, cpu;
};

static struct cfg {
	uint32_t design, workers, channels; /* A: homes, B: locks; 1 or 2; 1 to 100000 */
	uint32_t subs, letter, batch; /* of a channel; messages in a letter (1-8), a batch (1-32) */
	uint32_t burst, layout;       /* messages on a channel in a row (divides 32); enum layout */
	uint32_t lookup, shuffle;     /* letters name the channel; subscribers lie anywhere */
	uint32_t publishes;           /* in a run, of all workers */
} cfg;
static struct worker worker[WORKERS];
static struct channel *channels;
static struct cell *homes; /* a map to channels; only read during a run, so one serves all */
static _Alignas(64) pthread_mutex_t shard[SHARDS][8]; /* the first of each 8 is used */
static pthread_barrier_t start;
static size_t stride; /* bytes of a letter in the ring */

static uint64_t
mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t
cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Open addressing: the cell of `hash`, or the empty one where it belongs. */
static struct cell *
map_at(struct cell *map, uint64_t hash)
{
	uint64_t i = hash % MAP;
	while (map[i].p != NULL && map[i].hash != hash)
		i = (i + 1) % MAP;
	return &map[i];
}

/* --- the mailbox: a bounded ring, many producers, one consumer; a slot's seq says whose turn it is --- */

static struct letter *
ring_slot(const struct ring *r, uint64_t pos)
{
	return (struct letter *)(r->slots + (pos & (RING - 1)) * stride);
}

/* Posts as many of n letters as fit and says how many; one compare-and-swap for all of them. */
static uint32_t
ring_post(struct ring *r, const char *letters, uint32_t n)
{
	uint64_t pos = atomic_load_explicit(&r->tail, memory_order_relaxed);
	for (n = n < RING ? n : RING; n > 0;) {
		uint64_t last = pos + n - 1;
		uint64_t seq = atomic_load_explicit(&ring_slot(r, last)->seq, memory_order_acquire);
		if (seq < last)
			n /= 2;
		else if (seq > last)
			pos = atomic_load_explicit(&r->tail, memory_order_relaxed);
		else if (atomic_compare_exchange_weak(&r->tail, &pos, pos + n))
			break;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct letter *to = ring_slot(r, pos + i);
		memcpy(&to->kind, letters + i * stride + offsetof(struct letter, kind), stride - 8);
		atomic_store_explicit(&to->seq, pos + i + 1, memory_order_release);
	}
	return n;
}

static struct letter *
ring_peek(const struct ring *r)
{
	struct letter *l = ring_slot(r, r->head);
	return atomic_load_explicit(&l->seq, memory_order_acquire) == r->head + 1 ? l : NULL;
}

static bool
ring_wake(struct ring *r)
{
	atomic_thread_fence(memory_order_seq_cst);
	return r->asleep && atomic_exchange(&r->asleep, 0) && eventfd_write(r->fd, 1) == 0;
}

static void
ring_sleep(struct ring *r)
{
	eventfd_t count;
	atomic_store(&r->asleep, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (ring_peek(r) != NULL && atomic_exchange(&r->asleep, 0))
		return;
	eventfd_read(r->fd, &count);
}

static void
sub_deliver(struct worker *w, struct sub *s, struct batch *b)
{
	if (s->state != 1)
		return;
	s->tail = b;
	b->refs++;
	s->bytes += b->bytes;
	s->queued += b->n;
	if (s->turn != w->turn)
		s->turn = w->turn, s->flush_next = w->flush, w->flush = s;
}

static void
topic_fanout(struct worker *w, struct topic *t)
{
	uint32_t ahead = cfg.layout == PREFETCH ? 8 : t->n;
	if (cfg.layout == LIST)
		for (struct node *e = t->head; e != NULL; e = e->next)
			e->sub->deliver(w, e->sub, t->batch);
	for (uint32_t i = 0; i < t->n && cfg.layout != LIST; i++) {
		if (i + ahead < t->n)
			__builtin_prefetch(t->entry[i + ahead].sub, 1);
		t->entry[i].sub->deliver(w, t->entry[i].sub, t->batch);
	}
	t->batch->next = w->used;
	w->used = t->batch;
	t->batch = NULL;
}

static void
topic_add(struct worker *w, struct topic *t, struct msg *m)
{
	struct batch *b = t->batch;
	if (b == NULL) {
		t->batch = b = w->spare != NULL ? w->spare : calloc(1, sizeof *b);
		w->spare = b->next;
		b->n = b->bytes = b->refs = 0;
	}
	if (!t->dirty)
		t->dirty = 1, t->dirty_next = w->dirty, w->dirty = t;
	w->disorder += m->offset != t->last + 1;
	t->last = m->offset;
	memcpy(b->wire + b->bytes, m->data, m->len); /* encoded once for all receivers */
	b->bytes += m->len;
	b->msg[b->n++] = m;
	w->seen++;
	if (b->n == cfg.batch)
		topic_fanout(w, t);
}

/* --- A: homes and letters. The last letter for the same channel takes the message too, if it has room --- */
static void
letter_add(struct worker *w, uint32_t to, enum kind kind, uint64_t key, uint32_t *at, struct msg *m)
{
	struct letter *l = (struct letter *)(w->out[to] + *at * stride);
	if (*at >= w->out_n[to] || l->kind != kind || l->key != key || l->n == cfg.letter) {
		*at = w->out_n[to]++; /* STAGE is more than a turn can stage */
		l = (struct letter *)(w->out[to] + *at * stride);
		l->kind = kind, l->key = key, l->n = 0;
	}
	l->msg[l->n++] = m;
}

static void
channel_append(struct channel *c, struct msg *m)
{
	struct msg **old = &c->history[++c->offset % HISTORY];
	m->offset = c->offset;
	atomic_store_explicit(&m->refs, 1 + cfg.workers, memory_order_relaxed);
	if (*old != NULL && atomic_fetch_sub(&(*old)->refs, 1) == 1)
		free(*old);
	*old = m;
}

static void
home_take(struct worker *w, struct channel *c, struct msg *m)
{
	channel_append(c, m);
	if (c->turn != w->turn)
		memset(c->staged, 0xff, sizeof c->staged);
	c->turn = w->turn;
	for (uint32_t i = 0; i < cfg.workers; i++)
		if (i == w->id)
			topic_add(w, c->topic[i], m);
		else
			letter_add(w, i, FANOUT, cfg.lookup ? c->hash : (uintptr_t)c->topic[i],
				&c->staged[i], m);
}

static void
publish_a(struct worker *w, uint32_t index, struct msg **m, uint32_t n)
{
	uint64_t hash = mix(index);
	uint32_t home = (uint32_t)(hash >> 40) % cfg.workers;
	for (uint32_t i = 0, last; i < n; i++) {
		last = w->out_n[home] - 1;
		if (home == w->id)
			home_take(w, cfg.lookup ? map_at(homes, hash)->p : &channels[index], m[i]);
		else
			letter_add(w, home, PUBLISH,
				cfg.lookup ? hash : (uintptr_t)&channels[index], &last, m[i]);
	}
}

/* --- B: shared channels; order asks that letters are posted under the lock, those to oneself too --- */

static void
publish_b(struct worker *w, uint32_t index, struct msg **m, uint32_t n)
{
	uint64_t hash = mix(index);
	pthread_mutex_t *lock = shard[(hash >> 48) % SHARDS];
	pthread_mutex_lock(lock);
	struct channel *c = cfg.lookup ? map_at(homes, hash)->p : &channels[index];
	for (uint32_t i = 0; i < n; i++)
		channel_append(c, m[i]);
	for (uint32_t to = 0; to < cfg.workers; to++)
		for (uint32_t i = 0, k; i < n; i += k) {
			k = n - i < cfg.letter ? n - i : cfg.letter;
			struct letter l = { .kind = FANOUT, .n = k, .key = hash };
			if (!cfg.lookup)
				l.key = (uintptr_t)c->topic[to];
			memcpy(l.msg, m + i, k * sizeof *m);
			w->letters += ring_post(&worker[to].mail, (char *)&l, 1);
		}
	pthread_mutex_unlock(lock);
}

static void
turn_publish(struct worker *w)
{
	for (uint32_t k = 0; k < TURN; k += cfg.burst) {
		struct msg *m[TURN];
		uint32_t index = (uint32_t)((w->rng = mix(w->rng)) >> 32) % cfg.channels;
		for (uint32_t i = 0; i < cfg.burst; i++) {
			m[i] = malloc(sizeof **m);
			memset(m[i]->data, (int)i, m[i]->len = sizeof m[i]->data);
		}
		(cfg.design == 'A' ? publish_a : publish_b)(w, index, m, cfg.burst);
		w->published += cfg.burst;
	}
}

static void
turn_drain(struct worker *w)
{
	struct letter *l;
	for (uint32_t k = 0; k < RING / 4 && (l = ring_peek(&w->mail)) != NULL; k++) {
		void *p = (void *)(uintptr_t)l->key;
		if (cfg.lookup)
			p = map_at(l->kind == PUBLISH ? homes : w->local, l->key)->p;
		for (uint32_t i = 0; i < l->n; i++)
			l->kind == PUBLISH ? home_take(w, p, l->msg[i])
					   : topic_add(w, p, l->msg[i]);
		atomic_store_explicit(&l->seq, w->mail.head + RING, memory_order_release);
		atomic_store_explicit(&w->mail.head, w->mail.head + 1, memory_order_relaxed);
	}
}

static void
turn_end(struct worker *w)
{
	for (struct topic *t; (t = w->dirty) != NULL; t->dirty = 0) {
		w->dirty = t->dirty_next;
		if (t->batch != NULL)
			topic_fanout(w, t);
	}
	for (struct batch *b; (b = w->used) != NULL; w->spare = b) {
		w->used = b->next;
		for (uint32_t i = 0; i < b->n; i++)
			if (atomic_fetch_sub(&b->msg[i]->refs, 1) == 1)
				free(b->msg[i]);
		b->next = w->spare;
	}
	for (uint32_t i = 0; i < cfg.workers; i++) {
		uint32_t n = ring_post(&worker[i].mail, w->out[i], w->out_n[i]);
		memmove(w->out[i], w->out[i] + n * stride, (w->out_n[i] -= n) * stride);
		w->letters += n;
		w->wakes += i != w->id && ring_wake(&worker[i].mail);
	}
	w->flush = NULL;
	w->turn++;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	cpu_set_t set = { 0 };
	CPU_SET(w->id, &set);
	pthread_setaffinity_np(pthread_self(), sizeof set, &set);
	pthread_barrier_wait(&start);
	uint64_t begin = cpu_ns();
	for (bool rest = true; rest || w->seen < cfg.publishes;) {
		bool busy = w->published < cfg.publishes / cfg.workers; /* publishes in this turn */
		for (uint32_t i = 0; i < cfg.workers; i++)
			busy &= w->out_n[i] == 0 &&
				worker[i].mail.tail - worker[i].mail.head < RING / 2;
		if (busy)
			turn_publish(w);
		turn_drain(w);
		turn_end(w);
		rest = w->out_n[0] + w->out_n[1] > 0;
		if (!busy && (rest || w->published < cfg.publishes / cfg.workers))
			sched_yield();
		else if (!busy && w->seen < cfg.publishes)
			ring_sleep(&w->mail);
	}
	w->cpu = cpu_ns() - begin;
	return NULL;
}

static void
topic_init(struct worker *w, struct topic *t, uint64_t hash, const uint32_t *order, uint32_t n)
{
	*t = (struct topic){ .hash = hash, .n = n };
	if (cfg.layout != LIST)
		t->entry = malloc(n * sizeof *t->entry);
	for (uint32_t i = 0; i < n; i++)
		if (cfg.layout == LIST) {
			w->nodes[order[i]] = (struct node){ &w->slab[order[i]], t->head, NULL, t };
			t->head = &w->nodes[order[i]];
		} else
			t->entry[i] = (struct entry){ &w->slab[order[i]], order[i], 0 };
}

static void
worker_init(struct worker *w, uint32_t id)
{
	uint32_t each = cfg.subs / cfg.workers, all = each * cfg.channels;
	uint32_t *order = calloc(all + 1, sizeof *order);
	w->id = id, w->rng = id;
	w->mail.slots = calloc(RING, stride), w->mail.fd = eventfd(0, 0);
	for (uint64_t i = 0; i < RING; i++)
		ring_slot(&w->mail, i)->seq = i;
	w->out[0] = malloc(STAGE * stride), w->out[1] = malloc(STAGE * stride);
	w->topics = calloc(cfg.channels, sizeof *w->topics);
	w->local = calloc(MAP, sizeof(struct cell));
	w->slab = aligned_alloc(64, (all + 1) * sizeof *w->slab);
	w->nodes = malloc((all + 1) * sizeof *w->nodes);
	for (uint32_t i = 0; i < all; i++) {
		uint32_t j = cfg.shuffle ? (uint32_t)(mix(i) % (i + 1)) : i;
		w->slab[i] = (struct sub){ .deliver = sub_deliver, .state = 1, .turn = UINT64_MAX };
		order[i] = order[j], order[j] = i;
	}
	for (uint32_t c = 0; c < cfg.channels; c++) {
		channels[c].topic[id] = &w->topics[c];
		topic_init(w, &w->topics[c], mix(c), order + c * each, each);
		*map_at(w->local, mix(c)) = (struct cell){ mix(c), &w->topics[c] };
	}
}

static int
by_value(const void *a, const void *b)
{
	return *(const double *)a > *(const double *)b ? 1 : -1;
}

int
main(int argc, char **argv)
{
	double ns[RUNS] = { 0 }, letters = 0, wakes = 0, disorder = 0;
	if (argc != 12)
		return 2;
	for (int i = 1; i < argc; i++)
		(&cfg.design)[i - 1] = i == 1 ? (uint32_t)argv[1][0] : (uint32_t)atoi(argv[i]);
	pthread_barrier_init(&start, NULL, cfg.workers);
	stride = (offsetof(struct letter, msg) + cfg.letter * sizeof(void *) + 31) & ~(size_t)31;
	homes = calloc(MAP, sizeof *homes);
	channels = calloc(cfg.channels, sizeof *channels);
	for (uint32_t c = 0; c < cfg.channels; c++) {
		channels[c].hash = mix(c), channels[c].history = calloc(HISTORY, sizeof(void *));
		*map_at(homes, mix(c)) = (struct cell){ mix(c), &channels[c] };
	}
	for (uint32_t i = 0; i < cfg.workers; i++)
		worker_init(&worker[i], i);
	for (uint32_t run = 0; run < RUNS; run++) {
		pthread_t thread[WORKERS];
		letters = wakes = 0;
		for (uint32_t i = 0; i < cfg.workers; i++) {
			struct worker *w = &worker[i];
			w->seen = w->published = w->letters = w->wakes = 0;
			pthread_create(&thread[i], NULL, worker_main, w);
		}
		for (uint32_t i = 0; i < cfg.workers; i++) {
			pthread_join(thread[i], NULL);
			ns[run] += (double)worker[i].cpu / cfg.publishes;
			letters += (double)worker[i].letters / cfg.publishes;
			wakes += (double)worker[i].wakes / cfg.publishes;
			disorder += (double)worker[i].disorder;
		}
	}
	qsort(ns, RUNS, sizeof *ns, by_value);
	printf("%.0f ns/publish (%.0f-%.0f) | %.0f msg/s | %.2f letters %.3f wakes/publish%s\n",
		ns[2], ns[0], ns[4], cfg.workers * 1e9 / ns[2], letters, wakes,
		disorder > 0 ? " OUT OF ORDER" : "");
	return 0;
}
