"""The ways to break ring and queue that the models must notice.

Each is one textual change: (name, file, text, replacement, expectation). A file is one of src/ring,
or of src where it has a directory. The text is
found exactly once, however it is laid out: white space stands for any white space or none. Where it
stands in several places, some context makes it one. The expectation is CAUGHT, or the reason why a
ring so changed is as right as before.
"""

CAUGHT = "caught"

# Why a weaker order would do: such a mutant must live, or this is wrong.
ON_PAPER = (
    "it puts the claim it reads before the `SeqCst` load that follows, in the one order of such "
    "operations. loom takes the order in which they run for that order, so there it is always so; "
    "the language promises it only between `SeqCst` operations"
)
ROOM = "where room has come up meanwhile, `displace` finds the slot released and does what `push` does"
OWN_SLOT = (
    "nobody can claim the position whose slot it frees, and its value is read and the next one "
    "written by one thread, in this order"
)

def order(name, file, text, *weaker, why=None):
    """One mutation for each weaker order: the last order named in `text` is replaced."""
    at = text.rindex("Ordering::")
    end = at + len("Ordering::")
    while end < len(text) and text[end].isalpha():
        end += 1
    why = why or {}
    return [
        (
            f"{name}: {text[at + 10:end]} → {order}",
            file,
            text,
            text[:at] + "Ordering::" + order + text[end:],
            why.get(order, CAUGHT),
        )
        for order in weaker
    ]


ORDERS = [
    *order("publish stamp", "claim.rs", """(*place).write(value);
        });
        // ORDERING: Release, pairs with the Acquire loads of the published stamp in `claim_pop`,
        // `Stamps::run` and `displace`: whoever sees the stamp sees the value.
        done.store(stamp, Ordering::Release)""", "Relaxed"),
    *order("release stamp", "claim.rs", """// `displace`: the read above happens before the next value is written over it.
        done.store(stamp, Ordering::Release)""", "Relaxed"),
    *order("load of the tail", "claim.rs", "let tail = self.tail.position.load(Ordering::SeqCst);", "Acquire", "Relaxed"),
    *order("load of free_until", "claim.rs", "self.tail.free_until.load(Ordering::Acquire)", "Relaxed"),
    *order("store of free_until", "claim.rs", "self.tail.free_until.store(until.0, Ordering::Release)", "Relaxed"),
    *order("claim of the tail", "claim.rs", "self.tail .position .compare_exchange(from.0, to.0, Ordering::SeqCst", "AcqRel", "Acquire", "Release", "Relaxed"),
    *order("claim of the head", "claim.rs", "self.head .compare_exchange(from.0, to.0, Ordering::SeqCst", "AcqRel", "Acquire", "Release", "Relaxed"),
    *order("head, for full", "claim.rs", "let head = Position(self.head.load(Ordering::SeqCst));", "Acquire", "Relaxed"),
    *order("tail, for empty", "claim.rs", "let tail = Position(self.tail.position.load(Ordering::SeqCst));", "Acquire", "Relaxed"),
    *order("published stamp, pop", "claim.rs", "if published.load(Ordering::Acquire) != stamp", "Relaxed"),
    *order("load of the head", "claim.rs", "of all claims.\n        Position(self.head.load(Ordering::SeqCst))", "Acquire", "Relaxed", why={"Acquire": ON_PAPER, "Relaxed": ON_PAPER}),
    *order("stamps of a batch", "wide.rs", "at.store(stamp, Ordering::Release)", "Relaxed"),
    *order("stamps read in a run", "wide.rs", "at.load(Ordering::Acquire) == stamp", "Relaxed"),
    *order("force_push, released", "force.rs", "while released.load(Ordering::Acquire)", "Relaxed"),
    *order("force_push, published", "force.rs", "if published.load(Ordering::Acquire)", "Relaxed"),
    *order("force_push, release stamp", "force.rs", "released.store(laps.lap_stamp(position), Ordering::Release)", "Relaxed", why={"Relaxed": OWN_SLOT}),
    *order("force_push, publish stamp", "force.rs", "published.store(laps.next_lap_stamp(position), Ordering::Release)", "Relaxed"),
    *order("close", "mod.rs", "self.tail.position.fetch_or(Position::CLOSED, Ordering::SeqCst)", "AcqRel", "Release", "Acquire", "Relaxed"),
    *order("is_closed", "mod.rs", "Position(self.tail.position.load(Ordering::SeqCst)).is_closed()", "Acquire", "Relaxed"),
    *order("len, tail first", "mod.rs", "let mut tail = self.tail.position.load(Ordering::SeqCst);", "Acquire", "Relaxed", why={"Acquire": ON_PAPER, "Relaxed": ON_PAPER}),
    *order("len, head", "mod.rs", """loop {
            let head = Position(self.head.load(Ordering::SeqCst));""", "Acquire", "Relaxed"),
    *order("len, tail again", "mod.rs", "let again = self.tail.position.load(Ordering::SeqCst);", "Acquire", "Relaxed"),
    *order("is_empty, head", "mod.rs", """let head = Position(self.head.load(Ordering::SeqCst));
        let tail""", "Acquire", "Relaxed"),
    *order("is_empty, tail", "mod.rs", "let tail = Position(self.tail.position.load(Ordering::SeqCst));\n        tail.without_closed() == head", "Acquire", "Relaxed"),
    *order("end of a look", "peek.rs", "self.0.tail.pinned.store(NOT_PINNED, Ordering::Release)", "Relaxed"),
    *order("beginning of a look", "peek.rs", ".compare_exchange(NOT_PINNED, head.0, Ordering::Acquire", "Relaxed"),
    *order("published stamp, look", "peek.rs", "if published.load(Ordering::Acquire) != laps.next_lap_stamp(position)", "Relaxed"),
    *order("whether somebody looks", "peek.rs", "let pinned = self.tail.pinned.load(Ordering::Acquire);", "Relaxed"),
]

LOGIC = [
    ("publish before write", "claim.rs", """        place.with_mut(|place| unsafe {
            (*place).write(value);
        });
""", """        done.store(stamp, Ordering::Release);
        place.with_mut(|place| unsafe {
            (*place).write(value);
        });
""", CAUGHT),
    ("release before read", "claim.rs", """        let value = place.with(|place| unsafe { (*place).assume_init_read() });
        // ORDERING: Release, pairs""", """        done.store(stamp, Ordering::Release);
        let value = place.with(|place| unsafe { (*place).assume_init_read() });
        // ORDERING: Release, pairs""", CAUGHT),
    ("full one slot too late", "claim.rs", "if laps.distance(head, tail) >= laps.capacity()", "if laps.distance(head, tail) > laps.capacity()", CAUGHT),
    ("full one slot too early", "claim.rs", "if laps.distance(head, tail) >= laps.capacity()", "if laps.distance(head, tail) + 1 >= laps.capacity()", CAUGHT),
    ("full without a look at the head", "claim.rs", "if laps.distance(head, tail) >= laps.capacity()", "if head >= Position(0)", CAUGHT),
    ("empty without a look at the tail", "claim.rs", "if tail == head {", "if tail >= head {", CAUGHT),
    ("empty although closed bit is set", "claim.rs", "if tail.without_closed() == head {", "if tail > head && head > tail {", CAUGHT),
    ("closed before the last value is out", "claim.rs", "if tail.without_closed() == head {", "if tail.is_closed() {", CAUGHT),
    ("busy told as full", "claim.rs", """if self.tail.position.load(Ordering::Relaxed) == tail.0 {
            return Err(Refusal::Busy)""", """if self.tail.position.load(Ordering::Relaxed) == tail.0 {
            return Err(Refusal::Exhausted)""", CAUGHT),
    ("busy waited for inside a try_push", "claim.rs", """if self.tail.position.load(Ordering::Relaxed) == tail.0 {
            return Err(Refusal::Busy)""", """if self.tail.position.load(Ordering::Relaxed) == tail.0 {
            return Ok(())""", CAUGHT),
    ("busy waited for inside a try_pop", "claim.rs", """if self.head.load(Ordering::Relaxed) == head.0 {
            return Err(Refusal::Busy)""", """if self.head.load(Ordering::Relaxed) == head.0 {
            return Ok(())""", CAUGHT),
    ("push claims without compare", "claim.rs", "self.tail .position .compare_exchange(from.0, to.0, Ordering::SeqCst, Ordering::Relaxed) .is_ok()", """{ self.tail.position.store(to.0, Ordering::SeqCst); from.0 == from.0 }""", CAUGHT),
    ("pop claims without compare", "claim.rs", "self.head .compare_exchange(from.0, to.0, Ordering::SeqCst, Ordering::Relaxed) .is_ok()", """{ self.head.store(to.0, Ordering::SeqCst); from.0 == from.0 }""", CAUGHT),
    ("release stamps ignored", "claim.rs", "let mut free = unsafe { memory.released.run(first, count, laps.lap_stamp(tail)) };", "let mut free = count;", CAUGHT),
    ("release stamps of the next lap ignored", "claim.rs", "free += unsafe { memory.released.run(0, rest, next_lap) };", "free += rest;", CAUGHT),
    ("published stamp ignored", "claim.rs", "if published.load(Ordering::Acquire) != stamp {", "if published.load(Ordering::Acquire) != stamp && self.is_empty() {", CAUGHT),
    ("free_until one too far", "claim.rs", "let until = laps.advance(tail, free);", "let until = laps.next(laps.advance(tail, free));", CAUGHT),
    ("free_until trusted one too far", "claim.rs", "if tail >= free_until {", "if tail > free_until {", CAUGHT),
    ("closed bit not noticed", "claim.rs", """if tail.is_closed() {
            return Err(Refusal::Closed);
        }
        let memory""", """let tail = tail.without_closed();
        let memory""", CAUGHT),
    ("batch claims more than is free", "claim.rs", "let count = laps.distance(tail, free_until).min(want);", "let count = if tail < free_until { want.min(laps.capacity()) } else { 0 };", CAUGHT),
    ("batch claims more than is published", "claim.rs", "count = published(&run);", "count = if published(&run) > 0 { run.count } else { 0 };", CAUGHT),
    ("batch goes on behind a gap", "claim.rs", "&& count == run.count", "&& count <= run.count", CAUGHT),
    ("batch published before it is written", "batch.rs", "self.memory.values.write_run(run.first, source, run.count);\n            self.memory.published.set_run(run.first, run.count, run.next_lap_stamp);", "self.memory.published.set_run(run.first, run.count, run.next_lap_stamp);\n            self.memory.values.write_run(run.first, source, run.count);", CAUGHT),
    ("batch released before it is read", "batch.rs", "self.memory.values.read_run(run.first, target, run.count);\n            self.memory.released.set_run(run.first, run.count, run.next_lap_stamp);", "self.memory.released.set_run(run.first, run.count, run.next_lap_stamp);\n            self.memory.values.read_run(run.first, target, run.count);", CAUGHT),
    ("run claims one more than is free", "claim.rs", "if next > free_until {", "if next > laps.next(free_until) {", CAUGHT),
    ("run claims what is free although closed", "claim.rs", "if next > free_until {", "if next.without_closed() > free_until {", CAUGHT),
    ("run claims more than is published", "claim.rs", "if published < want {", "if published == 0 {", CAUGHT),
    ("run goes on past the end of the ring", "position.rs", "(count <= self.capacity() - index)", "(count <= self.capacity())", CAUGHT),
    ("run does not forget what it moved", "batch.rs", "values.set_len(0);", "values.set_len(want);", CAUGHT),
    ("batch does not forget what it moved", "batch.rs", "values.set_len(left);", "values.set_len(left + count);", CAUGHT),
    ("second run of a batch has the stamp of the first", "position.rs", "next_lap_stamp: next_lap_stamp.wrapping_add(self.index_mask as u32 + 1),", "next_lap_stamp: next_lap_stamp.wrapping_add(0),", CAUGHT),
    ("stamps of 31 bits", "position.rs", "((position.0 | self.index_mask) + 1) as u32", "((position.0 | self.index_mask) + 1) as u32 & (u32::MAX >> 1)", CAUGHT),
    ("force_push two past full", "force.rs", "laps.distance(head, tail) == laps.capacity()", "laps.distance(head, tail) >= laps.capacity()", CAUGHT),
    ("force_push into any slot", "force.rs", "laps.distance(head, tail) == laps.capacity()", "laps.distance(head, tail) <= laps.capacity()", ROOM),
    ("force_push takes what is not published", "force.rs", "if published.load(Ordering::Acquire) != laps.lap_stamp(position) {", "if published.load(Ordering::Acquire) == laps.next_lap_stamp(position) {", CAUGHT),
    ("force_push does not wait for the consumer", "force.rs", "while released.load(Ordering::Acquire) != laps.lap_stamp(position) {", "while released.load(Ordering::Acquire) == laps.next_lap_stamp(position) {", CAUGHT),
    ("force_push takes the head without compare", "force.rs", "} else if self.advance_head(oldest, laps.next(oldest)) {", "} else {\n                self.head.store(laps.next(oldest).0, Ordering::SeqCst);", CAUGHT),
    ("force_push displaces the newest when it is late", "force.rs", "if self.load_head() != oldest {", "if self.load_head() > position {", CAUGHT),
    ("close with a store", "mod.rs", "let tail = self.tail.position.fetch_or(Position::CLOSED, Ordering::SeqCst);", "let tail = self.tail.position.load(Ordering::SeqCst);\n        self.tail.position.store(tail | Position::CLOSED, Ordering::SeqCst);", CAUGHT),
    ("len without the second look", "mod.rs", "if again == tail {", "if again >= tail {", CAUGHT),
    ("is_full from two loads", "mod.rs", "self.len() == self.capacity()\n", "let tail = Position(self.tail.position.load(Ordering::SeqCst));\n        let head = Position(self.head.load(Ordering::SeqCst));\n        self.claimed(head, tail) == self.capacity()\n", CAUGHT),
    ("is_empty with the tail first", "mod.rs", """let head = Position(self.head.load(Ordering::SeqCst));
        let tail = Position(self.tail.position.load(Ordering::SeqCst));
        tail""", """let tail = Position(self.tail.position.load(Ordering::SeqCst));
        let head = Position(self.head.load(Ordering::SeqCst));
        tail""", CAUGHT),
    ("count past full", "mod.rs", "count.min(self.capacity())", "count", CAUGHT),
    ("nothing dropped with the ring", "mod.rs", "if std::mem::needs_drop::<T>() {", "if !std::mem::needs_drop::<T>() {", CAUGHT),
    ("look without a pin", "peek.rs", "if pinned == NOT_PINNED {", "if pinned != first.0 + (1 << 40) {", CAUGHT),
    ("look with a head that was not claimed", "peek.rs", "if self.advance_head(head, head) {", "if self.load_head() == head {", CAUGHT),
    ("look with a head that has moved", "peek.rs", "if self.advance_head(head, head) {", "if self.advance_head(head, head) || head.0 > 0 {", CAUGHT),
    ("look at what is not published", "peek.rs", "if published.load(Ordering::Acquire) != laps.next_lap_stamp(position)", "if published.load(Ordering::Acquire) == 7 + laps.next_lap_stamp(position)", CAUGHT),
    ("pin that is never taken off", "peek.rs", "self.0.tail.pinned.store(NOT_PINNED, Ordering::Release)", "let _ = self.0.tail.pinned.load(Ordering::Acquire)", CAUGHT),
]

QUEUE = [
    *order("note: load of the entry", "queue/deadlines.rs", "if word.load(Ordering::SeqCst) >= due", "Relaxed"),
    *order("sweep: entry taken out", "queue/deadlines.rs", "word.swap(0, Ordering::SeqCst);", "Relaxed"),
    *order("slot left", "queue/slab.rs", "self.slot.word.swap(word.0, Ordering::SeqCst);", "Relaxed"),
    *order("slot left without a deadline", "queue/slab.rs", "self.slot.word.store(word.0, Ordering::Release);", "Relaxed"),
    *order("slot taken", "queue/slab.rs", ".compare_exchange(seen.0, taken.0, Ordering::AcqRel", "Relaxed"),
    *order("parked: load", "queue/waiters.rs", "self.parked.load(Ordering::SeqCst) as usize", "Acquire", "Relaxed"),
    *order("calls: count", "queue/waiters.rs", "if self.calls.fetch_add(1, Ordering::SeqCst)", "Relaxed"),
    *order("answered: load", "queue/waiters.rs", "self.waiter.state.load(Ordering::Acquire)", "Relaxed"),
    *order("last ring: store", "queue/line.rs", "self.last.store(segment as u32, Ordering::SeqCst)", "Relaxed"),
    ("ring left behind is not closed", "queue/line.rs", "self.ring(segment - 1).close();", "", CAUGHT),
    ("server does not look again", "queue/waiters.rs", "Err(more) => seen = more,", "Err(_) => {\n                    self.calls.store(seen - seen, Ordering::SeqCst);\n                    return answered;\n                }", CAUGHT),
    ("who leaves tells nobody", "queue/waiters.rs", "first.told.store(1, Ordering::Relaxed);", "first.told.store(0, Ordering::Relaxed);", CAUGHT),
    ("answer of who left is not taken back", "queue/receive.rs", "|received| self.put_back_all(&received, now),", "|_| {},", CAUGHT),
    ("dismissal forgotten by who serves", "queue/receive.rs", "_ if self.flag(DISMISSED) =>", "_ if self.flag(DISMISSED) && request.max == 0 =>", CAUGHT),
    ("receivers not served after senders", "queue/sweep.rs", "if !self.senders.any() || !self.serve_senders(now) {", "self.serve_senders(now);\n            if now < Millis::NEVER {", CAUGHT),
    ("receipt of an earlier delivery accepted", "queue/lease.rs", "_ if word.deliveries() != receipt.delivery =>", "_ if word.deliveries() < receipt.delivery =>", CAUGHT),
    ("slot taken for another message of the same word", "queue/lease.rs", "if slot.generation() == receipt.id.generation {", "if slot.generation() >= receipt.id.generation {", CAUGHT),
    ("reap that freed nothing tried again at once", "queue/send.rs", "if self.reap_all() > 0 {", "if self.reap_all() < u64::MAX {", CAUGHT),
    ("batch keeps the bytes of what found no place", "queue/batch.rs", "self.return_bytes(size(&messages[slots.len()..fit]));", "self.return_bytes(size(&messages[fit..fit]));", CAUGHT),
    ("dead slot counted after it can be popped", "queue/sweep.rs", """self.dead.fetch_add(1, Ordering::SeqCst);
                slot.leave(State::Dead, word.deliveries(), Millis::NEVER);""", """slot.leave(State::Dead, word.deliveries(), Millis::NEVER);
                self.dead.fetch_add(1, Ordering::SeqCst);""", CAUGHT),
]

MUTATIONS = ORDERS + LOGIC + QUEUE
