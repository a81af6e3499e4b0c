// The frames of the ordered multicast, as Peer.Order carries them in `frames`.
//
// `frames` is a row of frames, each behind its length. A frame is one byte of kind and then its fields. Every
// integer is a LEB128 varint (as in protobuf); every list is its length and its items.
//
//     data       view.epoch view.serial timestamp previous flags holds [incarnation first count message…]
//     message    length bytes
//
// An example: a data frame of server 3 in view (7, 1) with timestamp 300. Its previous batch was 295. It
// holds its three members' batches up to 298, 290 and 295. It carries the two messages "a" and "bc", numbered
// 5 and 6, of incarnation 9:
//
//     01  07 01  ac 02  a7 02  01  03 aa 02 a2 02 a7 02  09 05 02  01 61  02 62 63
//
// The other kinds are rare; their fields follow in the order declared. Decoding is strict: a frame that does
// not parse to its last byte is refused whole.
#pragma once

#include "clocksync/ring/types.hpp"
#include "wire/encoding.hpp"
#include "wire/result.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace stadion::clocksync {

// A view of the order: made by the leader of `epoch`, its `serial`-th. Later views compare greater.
struct view_id {
    epoch_number epoch = 0;
    std::uint64_t serial = 0;

    friend auto operator<=>(const view_id&, const view_id&) = default;
};

// Consecutive messages of one sender under one timestamp. Cheap to copy: the bytes are shared.
struct batch {
    std::uint64_t timestamp = 0;
    std::uint64_t previous = 0; // timestamp of the sender's batch before this one in the view, 0 if none
    std::uint64_t incarnation = 0;
    std::uint64_t first_number = 0;
    std::uint64_t count = 0;
    std::shared_ptr<const std::string> storage;
    std::size_t offset = 0; // of the messages in `storage`, to its end or `size`
    std::size_t size = 0;

    std::string_view messages() const { return std::string_view(*storage).substr(offset, size); }
};

// Calls f(number, message) for each message but the first `skip`.
template <typename F>
void for_each_message(const batch& of, std::uint64_t skip, F&& f);

struct data_frame {
    view_id view;
    std::uint64_t timestamp = 0; // the sender's next batch will be above it
    std::uint64_t previous = 0;
    bool asks = false; // the receiver answers with its own state
    std::vector<std::uint64_t>
        holds; // the timestamp of each member's last batch that the sender has, by slot
    std::optional<batch> messages;
};
struct resend_frame { // the receiver is to send its batches after that one again
    view_id view;
    std::uint64_t after = 0;
};
struct stop_frame {
    view_id proposal;
    std::vector<ring_member> ring;
};
struct held {
    server_id sender = 0;
    std::uint64_t timestamp = 0;

    friend bool operator==(const held&, const held&) = default;
};
struct cut_entry {
    server_id sender = 0;
    std::uint64_t timestamp = 0; // deliver the sender's batches up to this
    server_id holder = 0;        // who has them

    friend bool operator==(const cut_entry&, const cut_entry&) = default;
};
struct propose_frame {
    view_id proposal;
    view_id base; // the view that ends
    std::vector<ring_member> members;
    std::vector<server_id> survivors; // those who go on from `base`; the others are newcomers
    std::vector<cut_entry> cut;
    server_id donor = 0;        // who sends newcomers the state; 0: there is none yet
    std::uint64_t began_us = 0; // without a donor: when the log that begins here did, since the UNIX epoch
};
struct report_frame {
    view_id proposal;
    std::uint64_t incarnation = 0;
    view_id installed;
    std::vector<held> holdings;
    std::optional<propose_frame> confirmed; // the last proposal this server confirmed from `installed`
};
struct fetch_frame {
    view_id proposal;
    server_id sender = 0;
    std::uint64_t after = 0;
    std::uint64_t up_to = 0;
};
struct fill_frame {
    view_id proposal;
    server_id sender = 0;
    std::vector<batch> batches;
};
struct confirm_frame {
    view_id proposal;
};
struct commit_frame {
    epoch_number epoch = 0; // of the coordinator that sends it
    view_id proposal;
};
struct installed_frame {
    view_id view;
};
struct delivered_number {
    server_id origin = 0;
    std::uint64_t incarnation = 0;
    std::uint64_t number = 0; // the highest delivered
    std::uint64_t index = 0;  // of the log, when it last changed
};
// The state for a newcomer, in parts. The first part carries `delivered`. Some parts are sent ahead; the next
// ones follow as the newcomer takes those before.
struct state_frame {
    view_id view;
    view_id history;
    std::uint64_t began_us = 0; // the history
    std::uint64_t index = 0;
    std::vector<delivered_number> delivered;
    std::uint64_t offset = 0; // of this part in the whole snapshot
    std::uint64_t total = 0;  // bytes of the whole
    std::string snapshot;
};
struct taken_frame { // by a newcomer, of the snapshot
    view_id view;
    std::uint64_t bytes = 0;
};
struct stale_frame {
    epoch_number epoch = 0;
};

using order_frame =
    std::variant<data_frame, resend_frame, stop_frame, report_frame, propose_frame, fetch_frame, fill_frame,
                 confirm_frame, commit_frame, installed_frame, state_frame, stale_frame, taken_frame>;

std::string encode(const order_frame& frame);

// Batches of the result point into `bytes`, which they share.
wire::result<order_frame> decode(std::shared_ptr<const std::string> bytes);

// A data frame in two steps, so that a batch is copied once: all before the messages, then the messages.
void append_data_header(std::string& out, const data_frame& frame);
void append_message(std::string& messages, std::string_view message);

// Peer.Order's `frames`: appends one frame; calls f(std::string_view frame) for each. False: malformed.
void pack_frame(std::string& frames, std::string_view frame);
template <typename F>
[[nodiscard]] bool for_each_frame(std::string_view frames, F&& f);

using wire::append_varint;
using wire::take_varint;

// Takes a size and that many bytes off the front of `in`.
inline bool take_bytes(std::string_view& in, std::string_view& bytes) {
    std::uint64_t size;
    if (!take_varint(in, size) || size > in.size()) return false;
    bytes = in.substr(0, size);
    in.remove_prefix(size);
    return true;
}

template <typename F>
void for_each_message(const batch& of, std::uint64_t skip, F&& f) {
    std::string_view rest = of.messages();
    std::string_view message;
    for (std::uint64_t i = 0; i < of.count && take_bytes(rest, message); ++i)
        if (i >= skip) f(of.first_number + i, message);
}

template <typename F>
bool for_each_frame(std::string_view frames, F&& f) {
    std::string_view frame;
    while (!frames.empty()) {
        if (!take_bytes(frames, frame)) return false;
        f(frame);
    }
    return true;
}

} // namespace stadion::clocksync
