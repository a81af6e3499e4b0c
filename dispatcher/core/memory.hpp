// What the dispatcher must remember when it dies: the content of dispatcher.json.
//
// Pure encoding and decoding; whoever owns the file replaces it atomically. The file is small, for people to
// read, and written before what it says is acted upon: an epoch before it is granted, an id before the
// server that gets it hears of it, a ring before it is shown, a child before it runs, a writer before it
// writes.
//
//     {
//       "format": 1,
//       "starts": 3,
//       "epoch": 17,
//       "leader": 2,
//       "next_server_id": 6,
//       "writer": {"server_id": 1, "epoch": 2, "board": 8127312, "sequence": 4711},
//       "ring_key": 9213046581190471332,
//       "ring": {"number": 9, "servers": [{"server_id": 2, "incarnation": 7}]},
//       "children": [
//         {"kind": "frontend", "address": "127.0.0.1:7401", "pid": 4711, "born": 98127,
//          "dispatcher": "127.0.0.1:7400"}
//       ]
//     }
//
// A file that is damaged is refused, never guessed at: an epoch that fell would let a deposed leader back in.
#pragma once

#include "clocksync/election/election_lock.hpp"
#include "clocksync/ring/membership.hpp"
#include "dispatcher/core/writer_seat.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::dispatcher {

// A process the dispatcher started. Process ids are used again; together with `born`, the start time of the
// process in ticks since the machine started (field 22 of /proc/PID/stat), they name one process.
struct child_record {
    std::string kind;    // "frontend" or "dbserver"
    std::string address; // where it was told to serve, or said it does
    std::uint32_t pid = 0;
    std::uint64_t born = 0;
    std::string dispatcher = {}; // the address of ours it was told, which it reports to for good

    bool operator==(const child_record&) const = default;
};

// A default-constructed one is that of a dispatcher which has never run.
struct memory {
    std::uint32_t starts = 0;    // how often a dispatcher has started on this directory
    clocksync::lock_record lock; // without a leader its epoch may be higher than any that was granted
    std::uint32_t next_server_id = 1;
    clocksync::ring_key ring_key = 0;  // the servers' secret; 0 until a dispatcher has started
    clocksync::membership_record ring; // its last_id is not written: next_server_id says it
    std::vector<child_record> children;
    writer_record writer; // its sequence is written every few seconds: what was seen after that is forgotten

    bool operator==(const memory&) const = default;
};

std::string encode(const memory& remembered);

// DATA_LOSS, naming the field, if the text is not what `encode` writes; FAILED_PRECONDITION if its format is
// newer than this program. Unknown fields are ignored.
wire::result<memory> decode_memory(std::string_view text);

} // namespace stadion::dispatcher
