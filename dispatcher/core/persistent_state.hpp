// The state that outlives the dispatcher: the content of dispatcher.json.
//
// Encoding and decoding only; `state_file` replaces the file atomically. The file is small and readable. It
// is written before what it says is acted upon: an epoch before it is granted, an id before its server hears
// of it, a ring before it is shown, a child before it runs, a writer before it writes.
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
// A damaged file is refused and nothing of it is used: an epoch that fell would let a deposed leader back in.
#pragma once

#include "clocksync/election/election_lock.hpp"
#include "clocksync/ring/ring_authority.hpp"
#include "dispatcher/core/writer_authority.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::dispatcher {

// A process that the dispatcher started. Process ids are used again. Together with `born`, the start time of
// the process in ticks since the machine started (field 22 of /proc/PID/stat), an id names one process.
struct child_record {
    std::string kind;    // "frontend" or "dbserver"
    std::string address; // where it was told to serve, or says it does
    std::uint32_t pid = 0;
    std::uint64_t born = 0;
    std::string dispatcher = {}; // the dispatcher's address that it was given; it reports to no other

    bool operator==(const child_record&) const = default;
};

// By default the state of a dispatcher that has never run.
struct persistent_state {
    std::uint32_t starts = 0;    // how often a dispatcher has started on this folder
    clocksync::lock_record lock; // without a leader its epoch may be above all that were granted
    std::uint32_t next_server_id = 1;
    clocksync::ring_key ring_key = 0; // 0 until a dispatcher has started
    clocksync::ring_record ring;      // its last_id is not written: it is next_server_id - 1
    std::vector<child_record> children;
    writer_record writer; // its sequence is written every few seconds, so it may be behind

    bool operator==(const persistent_state&) const = default;
};

std::string encode(const persistent_state& state);

// DATA_LOSS, naming the field, if the text is not what `encode` writes. FAILED_PRECONDITION if its format is
// newer than this program. Unknown fields are ignored.
wire::result<persistent_state> decode_state(std::string_view text);

} // namespace stadion::dispatcher
