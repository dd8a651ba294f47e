/*
 * hub_spike.c - measures the hub before its seams freeze: homes or locks, batches, letters.
 *
 *	gcc -std=gnu11 -O2 -g -Wall -Wextra -pthread -o hub_spike hub_spike.c
 *	./hub_spike A 2 1 10000 1 32 32 0 0 1 6400      the fields of struct cfg in their order
 *
 * No sockets: a delivery is an indirect call that appends to the receiver's own 64 bytes. Times are
 * CPU time of the workers, the median of 5. State is static: a run is one row. A worker's turn:
 *
 *	publish 32 messages -> drain mailbox -> fan out the topics -> post letters, wake, sleep
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
#include <unistd.h>

enum { WORKERS = 2, RUNS = 5, TURN = 32, LETTER = 8, RING = 4096, STAGE = 65536, MAP = 1 << 18 };
enum { HISTORY = 16, SHARDS = 64 };
enum layout { DENSE, PREFETCH, SMALL, LIST };
enum kind { PUBLISH, FANOUT };

struct msg {
	atomic_uint refs;
	uint32_t len;
	uint64_t offset;
	char data[48];
};
struct batch { /* what a topic gathered in a turn, encoded once */
	struct batch *next;
	uint32_t n, bytes, refs;
	struct msg *msg[TURN];
	char wire[TURN * 48];
};
struct worker;
struct sub { /* the hot 64 bytes of a receiver */
	_Alignas(64) void (*deliver)(struct worker *, struct sub *, struct batch *);
	struct batch *tail;
	struct sub *flush_next;
	uint64_t turn, bytes;
	uint32_t state, queued;
};
struct entry {
	struct sub *sub;
	uint32_t back, flags;
};
struct small {
	uint32_t sub, back;
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
		struct small *small;
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
	struct msg *msg[LETTER];
};
struct ring {
	_Alignas(64) _Atomic uint64_t tail;
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) atomic_int asleep;
	int fd;
	char *slots;
};
struct map {
	struct cell {
		uint64_t hash;
		void *p;
	} * cell;
	uint64_t mask;
};
struct worker {
	_Alignas(64) uint32_t id;
	struct ring mail;
	char *out[WORKERS]; /* letters staged in this turn, posted at its end */
	uint32_t out_n[WORKERS];
	struct map local;
	struct topic *topics, *dirty;
	struct sub *slab, *flush;
	struct node *nodes;
	struct batch *used, *spare;
	uint64_t turn, rng, seen, published, delivered, wakes, letters, disorder, cpu;
};

static struct cfg {
	uint32_t design, workers, channels, subs, letter, batch, burst;
	uint32_t layout, lookup, shuffle, publishes;
} cfg;
static struct worker worker[WORKERS];
static struct channel *channels;
static struct map homes; /* only read during a run, so one serves all */
static struct {
	_Alignas(64) pthread_mutex_t lock;
} shard[SHARDS];
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

static void
map_put(struct map *m, uint64_t hash, void *p)
{
	uint64_t i = hash & m->mask;
	while (m->cell[i].p != NULL)
		i = (i + 1) & m->mask;
	m->cell[i] = (struct cell){ hash, p };
}

static void *
map_get(const struct map *m, uint64_t hash)
{
	for (uint64_t i = hash & m->mask; m->cell[i].p != NULL; i = (i + 1) & m->mask)
		if (m->cell[i].hash == hash)
			return m->cell[i].p;
	return NULL;
}

/* --- the mailbox: a bounded ring, many producers, one consumer; seq says whose a slot is --- */

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
	bool asleep = atomic_load_explicit(&r->asleep, memory_order_relaxed);
	return asleep && atomic_exchange(&r->asleep, 0) && eventfd_write(r->fd, 1) == 0;
}

static void
ring_sleep(struct ring *r)
{
	eventfd_t count;
	atomic_store(&r->asleep, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (ring_peek(r) == NULL || !atomic_exchange(&r->asleep, 0))
		eventfd_read(r->fd, &count);
}

static void
msg_unref(struct msg *m)
{
	if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1)
		free(m);
}

static void
sub_deliver(struct worker *w, struct sub *s, struct batch *b)
{
	if (s->state != 1)
		return;
	s->tail = b, b->refs++;
	s->bytes += b->bytes, s->queued += b->n;
	if (s->turn != w->turn)
		s->turn = w->turn, s->flush_next = w->flush, w->flush = s;
}

static inline __attribute__((always_inline)) void
fanout_dense(struct worker *w, struct topic *t, enum layout layout)
{
#define SUB(i) (layout == SMALL ? &w->slab[t->small[i].sub] : t->entry[i].sub)
	uint32_t n = t->n, ahead = layout == DENSE ? 0 : 8;
	for (uint32_t i = 0; i < ahead && i < n; i++)
		__builtin_prefetch(SUB(i), 1);
	for (uint32_t i = 0; i < n; i++) {
		if (ahead > 0 && i + ahead < n)
			__builtin_prefetch(SUB(i + ahead), 1);
		SUB(i)->deliver(w, SUB(i), t->batch);
	}
}

static void
topic_fanout(struct worker *w, struct topic *t)
{
	if (cfg.layout == SMALL)
		fanout_dense(w, t, SMALL);
	else if (cfg.layout != LIST)
		cfg.layout == DENSE ? fanout_dense(w, t, DENSE) : fanout_dense(w, t, PREFETCH);
	else
		for (struct node *e = t->head; e != NULL; e = e->next)
			e->sub->deliver(w, e->sub, t->batch);
	w->delivered += (uint64_t)t->n * t->batch->n;
	t->batch->next = w->used, w->used = t->batch, t->batch = NULL;
}

static void
topic_add(struct worker *w, void *topic, struct msg *m)
{
	struct topic *t = topic;
	struct batch *b = t->batch;
	if (b == NULL) {
		t->batch = b = w->spare != NULL ? w->spare : calloc(1, sizeof *b);
		w->spare = b->next, b->n = b->bytes = b->refs = 0;
	}
	if (!t->dirty)
		t->dirty = 1, t->dirty_next = w->dirty, w->dirty = t;
	w->disorder += m->offset != t->last + 1;
	t->last = m->offset;
	memcpy(b->wire + b->bytes, m->data, m->len); /* encoded once for all receivers */
	b->bytes += m->len;
	b->msg[b->n++] = m, w->seen++;
	if (b->n == cfg.batch)
		topic_fanout(w, t);
}

#define KEY(handle, hash) (cfg.lookup ? (hash) : (uintptr_t)(handle))

/* The last letter for the same channel takes the message too, if it has room. */
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
	atomic_store_explicit(&m->refs, 1 + cfg.workers, memory_order_relaxed); /* still private */
	if (*old != NULL)
		msg_unref(*old);
	*old = m;
}

static void
home_take(struct worker *w, void *channel, struct msg *m)
{
	struct channel *c = channel;
	channel_append(c, m);
	if (c->turn != w->turn)
		memset(c->staged, 0xff, sizeof c->staged);
	c->turn = w->turn;
	for (uint32_t i = 0; i < cfg.workers; i++)
		if (i == w->id)
			topic_add(w, c->topic[i], m);
		else
			letter_add(w, i, FANOUT, KEY(c->topic[i], c->hash), &c->staged[i], m);
}

static void
publish_a(struct worker *w, uint32_t index, struct msg **m, uint32_t n)
{
	uint64_t hash = mix(index);
	uint32_t home = (uint32_t)(hash >> 40) % cfg.workers;
	for (uint32_t i = 0, last; i < n; i++) {
		last = w->out_n[home] - 1;
		if (home == w->id)
			home_take(w, cfg.lookup ? map_get(&homes, hash) : &channels[index], m[i]);
		else
			letter_add(w, home, PUBLISH, KEY(&channels[index], hash), &last, m[i]);
	}
}

/* --- B: shared channels; order needs letters posted under the lock, those to oneself too --- */

static void
publish_b(struct worker *w, uint32_t index, struct msg **m, uint32_t n)
{
	uint64_t hash = mix(index);
	pthread_mutex_t *lock = &shard[(hash >> 48) % SHARDS].lock;
	pthread_mutex_lock(lock);
	struct channel *c = cfg.lookup ? map_get(&homes, hash) : &channels[index];
	for (uint32_t i = 0; i < n; i++)
		channel_append(c, m[i]);
	for (uint32_t to = 0; to < cfg.workers; to++)
		for (uint32_t i = 0, k; i < n; i += k) {
			k = n - i < cfg.letter ? n - i : cfg.letter;
			struct letter l = {
				.kind = FANOUT, .n = k, .key = KEY(c->topic[to], hash)
			};
			memcpy(l.msg, m + i, k * sizeof *m);
			w->letters += ring_post(&worker[to].mail, (char *)&l, 1); /* has room */
		}
	pthread_mutex_unlock(lock);
}

static bool
may_publish(struct worker *w)
{
	bool ok = w->published < cfg.publishes / cfg.workers;
	for (uint32_t i = 0; i < cfg.workers; i++)
		ok = ok && w->out_n[i] == 0 && worker[i].mail.tail - worker[i].mail.head < RING / 2;
	return ok;
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
		struct map *map = l->kind == PUBLISH ? &homes : &w->local;
		void *p = cfg.lookup ? map_get(map, l->key) : (void *)(uintptr_t)l->key;
		for (uint32_t i = 0; i < l->n; i++)
			(l->kind == PUBLISH ? home_take : topic_add)(w, p, l->msg[i]);
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
			msg_unref(b->msg[i]);
		b->next = w->spare;
	}
	for (uint32_t i = 0; i < cfg.workers; i++) {
		uint32_t n = ring_post(&worker[i].mail, w->out[i], w->out_n[i]);
		memmove(w->out[i], w->out[i] + n * stride, (w->out_n[i] -= n) * stride);
		w->letters += n;
		w->wakes += i != w->id && ring_wake(&worker[i].mail);
	}
	w->flush = NULL, w->turn++;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	cpu_set_t set = { 0 };
	CPU_SET(w->id, &set);
	pthread_setaffinity_np(pthread_self(), sizeof set, &set);
	pthread_barrier_wait(&start);
	w->cpu = cpu_ns();
	for (bool rest = true; rest || w->seen < cfg.publishes;) {
		bool busy = may_publish(w);
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
	w->cpu = cpu_ns() - w->cpu;
	return NULL;
}

static void
worker_init(struct worker *w, uint32_t id)
{
	uint32_t each = cfg.subs / cfg.workers, all = each * cfg.channels;
	uint32_t *order = calloc(all + 1, sizeof *order);
	size_t entry = cfg.layout == SMALL ? sizeof(struct small) : sizeof(struct entry);
	w->id = id, w->rng = id;
	w->mail.slots = calloc(RING, stride), w->mail.fd = eventfd(0, 0);
	for (uint64_t i = 0; i < RING; i++)
		ring_slot(&w->mail, i)->seq = i;
	w->out[0] = malloc(STAGE * stride), w->out[1] = malloc(STAGE * stride);
	w->topics = calloc(cfg.channels, sizeof *w->topics);
	w->local = (struct map){ calloc(MAP, sizeof(struct cell)), MAP - 1 };
	w->slab = aligned_alloc(64, (all + 1) * sizeof *w->slab);
	w->nodes = malloc((all + 1) * sizeof *w->nodes);
	for (uint32_t i = 0; i < all; i++) {
		uint32_t j = cfg.shuffle ? (uint32_t)(mix(i) % (i + 1)) : i;
		w->slab[i] = (struct sub){ .deliver = sub_deliver, .state = 1, .turn = UINT64_MAX };
		order[i] = order[j], order[j] = i;
	}
	for (uint32_t c = 0; c < cfg.channels; c++) {
		struct topic *t = &w->topics[c];
		*t = (struct topic){ .hash = mix(c), .n = each };
		if (cfg.layout != LIST)
			t->entry = malloc(each * entry);
		for (uint32_t i = 0, s; i < each; i++) {
			s = order[c * each + i];
			if (cfg.layout == LIST)
				w->nodes[s] = (struct node){ &w->slab[s], t->head, NULL, t },
				t->head = &w->nodes[s];
			else if (cfg.layout == SMALL)
				t->small[i] = (struct small){ s, s };
			else
				t->entry[i] = (struct entry){ &w->slab[s], s, 0 };
		}
		channels[c].topic[id] = t;
		map_put(&w->local, t->hash, t);
	}
}

int
main(int argc, char **argv)
{
	double ns[RUNS];
	uint64_t delivered = 0, letters = 0, wakes = 0, disorder = 0;
	if (argc != 12)
		return fputs("eleven numbers, please: see the head of the source\n", stderr), 2;
	for (int i = 1; i < argc; i++)
		(&cfg.design)[i - 1] =
			i == 1 ? (uint32_t)argv[1][0] : (uint32_t)strtoul(argv[i], NULL, 10);
	pthread_barrier_init(&start, NULL, cfg.workers);
	stride = (offsetof(struct letter, msg) + cfg.letter * sizeof(void *) + 31) & ~(size_t)31;
	homes = (struct map){ calloc(MAP, sizeof *homes.cell), MAP - 1 };
	channels = calloc(cfg.channels, sizeof *channels);
	for (uint32_t c = 0; c < cfg.channels; c++) {
		channels[c].hash = mix(c), channels[c].history = calloc(HISTORY, sizeof(void *));
		map_put(&homes, mix(c), &channels[c]);
	}
	for (uint32_t i = 0; i < cfg.workers; i++)
		worker_init(&worker[i], i);
	for (uint32_t run = 0; run < RUNS; run++) {
		pthread_t thread[WORKERS];
		uint64_t cpu = 0;
		delivered = letters = wakes = 0;
		for (uint32_t i = 0; i < cfg.workers; i++) {
			struct worker *w = &worker[i];
			w->seen = w->published = w->delivered = w->letters = w->wakes = 0;
			pthread_create(&thread[i], NULL, worker_main, w);
		}
		for (uint32_t i = 0; i < cfg.workers; i++) {
			pthread_join(thread[i], NULL);
			cpu += worker[i].cpu, delivered += worker[i].delivered;
			letters += worker[i].letters, wakes += worker[i].wakes;
			disorder += worker[i].disorder;
		}
		uint32_t k = run;
		for (; k > 0 && ns[k - 1] > (double)cpu / cfg.publishes; k--)
			ns[k] = ns[k - 1];
		ns[k] = (double)cpu / cfg.publishes;
	}
	printf("%.0f ns/publish (%.0f-%.0f) | ", ns[2], ns[0], ns[4]);
	if (delivered > 0)
		printf("%.2f ns/delivery | ", ns[2] * cfg.publishes / (double)delivered);
	printf("%.0f msg/s | ", cfg.workers * 1e9 / ns[2]);
	printf(" %.2f letters %.4f wakes/publish%s\n", (double)letters / cfg.publishes,
		(double)wakes / cfg.publishes, disorder > 0 ? " OUT OF ORDER" : "");
	return disorder > 0;
}
