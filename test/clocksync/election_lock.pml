/* The election lock: grants, leases, crashes of holder and dispatcher, late messages, views that change.
 *
 * `check-model` runs it. With -DUNFENCED receivers take a lower epoch, with -DFORGETFUL the dispatcher does not write
 * its epoch down: spin must then find a violation, or the model could not see.
 *
 * Everything about scores and rings is left out: a holder decides on any member that is in its view. What stays
 * is what must be safe: an epoch is granted once, has one leader, and a lower one has no effect anywhere. */
#ifndef N
#define N 3
#endif
#ifndef EPOCHS
#define EPOCHS 2 /* enough for a holder to be an election behind; 3 takes minutes */
#endif

byte epoch = 0;               /* the dispatcher's, the last that was granted */
byte disk = 0;                /* no lower than that: written ahead while nobody leads */
byte granted_to[EPOCHS + 1];  /* N: nobody; who was given the epoch */
byte leader_of[EPOCHS + 1];   /* N: none; what was decided under it */
byte holder = N;              /* memory of the dispatcher, lost when it crashes */
bool lease = false;
bool alive[N];
byte seen[N];                 /* the highest epoch a server knows */
byte follows[N];              /* under which epoch it last took a leader */

/* CoordinatorMessages in flight: under each epoch to each server, as long as they like. */
bool flying[(EPOCHS + 1) * N];

inline grant(who) {
    if                                       /* persisted, perhaps with epochs to come ... */
    :: epoch == disk -> disk = epoch + 1
    :: epoch == disk && epoch + 2 <= EPOCHS -> disk = epoch + 2
    :: epoch < disk
    fi;
    epoch++;
    assert(granted_to[epoch] == N);          /* E2: never granted before */
    granted_to[epoch] = who;                 /* ... then granted */
    holder = who;
    lease = true;
    mine = epoch;
    if
    :: mine > seen[who] -> seen[who] = mine
    :: else -> mine = 0                      /* the answer came too late */
    fi
}

inline decide(who) {
    /* Another member may be the best or the holder itself; an epoch is decided once, by the one that holds it. */
    if
    :: choice = who
    :: choice = (who + 1) % N
    fi;
    assert(granted_to[mine] == who);
    assert(leader_of[mine] == N || leader_of[mine] == choice); /* E1 */
    leader_of[mine] = choice;
    for (to : 0 .. N - 1) { flying[mine * N + to] = true }
    to = 0;
    choice = 0;
    if
    :: holder == who && epoch == mine -> holder = N; lease = false; disk = epoch
    :: else
    fi;
    mine = 0
}

inline receive(under, who) {
    flying[under * N + who] = false;
    if
#ifdef UNFENCED
    :: true ->
#else
    :: under >= seen[who] ->
#endif
        assert(under >= follows[who]);       /* E3: never back to an older leader */
        seen[who] = under;
        follows[who] = under
    :: under < seen[who]                     /* refused */
    fi
}

inline restart() {
#ifdef FORGETFUL
    disk = 0;
#endif
    epoch = disk
}

proctype server(byte me) {
    byte mine = 0; /* the epoch of the election it holds */
    byte choice, to;
end:
    do
    :: atomic { alive[me] && mine == 0 && epoch < EPOCHS && (holder == N || !lease) -> grant(me) }
    /* Slow ones, paused ones, those whose lease is over: they decide whenever they wake up, unless they
       have seen a higher epoch meanwhile. */
    :: atomic { alive[me] && mine != 0 && seen[me] == mine -> decide(me) }
    :: atomic { alive[me] && mine != 0 && seen[me] > mine -> mine = 0 }
    :: atomic { alive[me] && flying[1 * N + me] -> receive(1, me) }
    :: atomic { alive[me] && flying[2 * N + me] -> receive(2, me) }
#if EPOCHS > 2
    :: atomic { alive[me] && flying[3 * N + me] -> receive(3, me) }
#endif
    /* A crash forgets everything but what the dispatcher's Join tells the next process. */
    :: atomic { alive[me] -> alive[me] = false; mine = 0 }
    :: atomic { !alive[me] -> alive[me] = true; seen[me] = epoch; follows[me] = 0 }
    od
}

active proctype dispatcher() {
end:
    do
    :: atomic { lease -> lease = false }                            /* it runs out */
    :: atomic { holder != N && !alive[holder] -> holder = N }       /* the view drops the holder */
    :: atomic { holder != N || lease -> holder = N; lease = false; restart() } /* only the disk stays */
    od
}

init {
    byte i;
    atomic {
        for (i : 0 .. EPOCHS) { granted_to[i] = N; leader_of[i] = N }
        for (i : 0 .. N - 1) { alive[i] = true; run server(i) }
        i = 0
    }
}
