// One TCP connection, as bytes in and bytes out. A `protocol` interprets the bytes; the wire session, the
// HTTP session and the outgoing link are protocols, so they all share this loop.
//
// Reading: one read is always pending, into a small buffer inside the object. When that buffer is filled, the
// rest is read without blocking into the worker's shared scratch space. So an idle connection owns no heap
// buffer, and a busy one makes one system call for hundreds of frames. Writing: what a protocol queues while
// it handles one read is sent with one system call at the end; what is queued at other times is sent after
// the handlers that are ready then. One write is in flight at a time.
//
// Threading: lives on one worker. Lifetime: shared; the pending read keeps it alive until it is closed.
// Bounds: while more than `limits.queued_bytes_max` wait to be sent, nothing is read, and input that was read
// already is not handled. Nor is input handled for longer than `limits.turn_max` at a time, so that other
// connections get their turn. A protocol asks `must_wait` before each request, and gets the rest later. A
// peer that accepts no bytes for `limits.stalled_write_max` is disconnected. All bytes held, in and out, are
// counted (memory_budget.hpp). While all connections together hold more than `limits.all_bytes_max`, a
// connection that holds more than `limits.always_read_below` is not read, and after `limits.unread_max` it is
// closed.
// Errors: an exception from a protocol closes this connection and goes no further (thrown.hpp).
#pragma once

#include "net/loop/runtime.hpp"
#include "net/os/memory_budget.hpp"

#include <chrono>
#include <map>
#include <string_view>

namespace stadion::net {

struct connection_limits {
    std::size_t queued_bytes_max = 4 << 20;
    std::chrono::milliseconds stalled_write_max{10'000};
    std::size_t all_bytes_max = SIZE_MAX;
    std::size_t always_read_below = 64 * 1024;    // bytes held
    std::chrono::microseconds turn_max{500};      // for handling requests, before other connections
    std::chrono::milliseconds unread_max{10'000}; // over all_bytes_max, until it is closed
};

class connection final : public std::enable_shared_from_this<connection>, public channel {
public:
    class protocol {
    public:
        virtual ~protocol() = default;

        // Handles a part at the front of `bytes` and returns its size. The rest is passed again, followed by
        // what arrives next.
        virtual std::size_t on_bytes(std::string_view bytes) = 0;

        // The connection is no longer congested.
        virtual void on_drained() {}

        // The connection is closed. Called once, never from inside a call that the protocol makes.
        virtual void on_closed() {}

        // The server stops: tell the peer, finish the requests in flight, close.
        virtual void drain() {}
    };

    enum class side : std::uint8_t { accepted, connected };

    connection(worker& home, tcp::socket socket, side which, connection_limits limits = {});
    ~connection();

    void start(std::unique_ptr<protocol> first);
    void drain() override;

    // Replaces the protocol. Inside on_bytes, the old protocol's return value still counts; the new protocol
    // then gets the rest of the bytes.
    void replace_protocol(std::unique_ptr<protocol> next);

    worker& home() noexcept { return home_; }
    const tcp::endpoint& peer() const noexcept { return peer_; }
    bool is_open() const noexcept { return state_ != state::closed; }
    // False once it is closing, although queued bytes may still be sent.
    bool takes_input() const noexcept { return state_ == state::open; }
    bool is_served() const noexcept override { return side_ == side::accepted; }

    // The buffer to append bytes to. Outside on_bytes, call `flush_soon` afterwards.
    std::string& output();
    // Queues a large body without copying it.
    void output_shared(std::shared_ptr<const std::string> body);
    void flush_soon();
    void flush() override;
    // Bytes that are queued and not yet in the kernel.
    std::size_t queued_bytes() const noexcept { return queued_bytes_ + output_.size(); }
    // Whether a stream should add nothing; `protocol::on_drained` reports the end of that.
    bool is_congested() noexcept {
        if (queued_bytes() > limits_.queued_bytes_max / 2) congested_ = true;
        return congested_;
    }
    // Inside on_bytes, before each request: whether to leave the rest for later, because too much is queued
    // or because the turn of this connection has ended.
    bool must_wait(deadline_wheel::clock::time_point now) noexcept {
        if (now >= turn_ends_) had_turn_ = true;
        return is_waiting();
    }
    // The last result of `must_wait`.
    bool is_waiting() const noexcept { return had_turn_ || is_full(); }
    // The bytes that the protocol itself holds for this connection: a body that has arrived in part, requests
    // without an answer. They are counted as bytes of this connection.
    void hold(std::size_t bytes) noexcept { held_by_protocol_ = bytes; }
    std::size_t held() const noexcept { return held_by_protocol_; }

    // Stops reading until `resume_reading`: back-pressure.
    void pause_reading() noexcept { paused_ = true; }
    void resume_reading();

    // Sends what is queued, then closes.
    void close_when_sent();
    // Closes at once.
    void close() override;

    // Objects that are destroyed when the connection ends, such as a client's registration.
    std::map<std::string, std::shared_ptr<void>, std::less<>>& attachments() noexcept { return attachments_; }

    deadline_wheel::clock::time_point last_read() const noexcept { return last_read_; }

private:
    enum class state : std::uint8_t { open, closing, closed };
    struct segment {
        std::string owned;
        std::shared_ptr<const std::string> shared;
        std::string_view view() const noexcept {
            return shared ? std::string_view(*shared) : std::string_view(owned);
        }
    };

    template <typename Step>
    void guard(Step step) noexcept;
    bool is_full() const noexcept { return queued_bytes() > limits_.queued_bytes_max; }
    void read();
    void read_on();
    void read_on_later();
    bool has_room_to_read();
    void on_read(error_code failure, std::size_t size);
    void take_bulk();
    void handle_bulk();
    void drain_socket(std::size_t first);
    void begin_turn(deadline_wheel::clock::time_point now) noexcept;
    void take_bytes(std::string_view fresh);
    std::string_view feed(std::string_view bytes);
    void count_bytes() noexcept;
    void write();
    void seal_output();
    void write_sealed();
    void drop_sent(std::size_t size);
    void update_congestion();
    void on_all_sent();
    void on_retry();

    worker& home_;
    tcp::socket socket_;
    tcp::endpoint peer_;
    std::unique_ptr<protocol> protocol_;
    std::unique_ptr<protocol> next_;
    connection_limits limits_;
    std::string partial_;           // received, and not handled yet
    std::string output_;            // what `output` appends to
    std::vector<segment> sealed_;   // waiting to be written, in order
    std::size_t sent_of_first_ = 0; // bytes of sealed_.front() that are written
    std::size_t queued_bytes_ = 0;  // in sealed_, not yet written
    std::size_t held_by_protocol_ = 0;
    held_bytes counted_;
    member_deadline<connection, &connection::on_retry> retry_{*this};
    std::shared_ptr<connection> kept_by_retry_; // while retry_ is armed: no pending read keeps it alive
    deadline_wheel::clock::time_point unread_since_{}; // zero: it is read
    deadline_wheel::clock::time_point last_read_;
    deadline_wheel::clock::time_point turn_ends_;
    member_deadline<connection, &connection::close> stalled_{*this};
    std::map<std::string, std::shared_ptr<void>, std::less<>> attachments_;
    state state_ = state::open;
    side side_;
    bool reading_ = false;
    bool writing_ = false;
    bool handling_ = false;
    bool dirty_ = false;
    bool paused_ = false;
    bool congested_ = false;
    bool resuming_ = false; // read_on waits for its turn
    bool had_turn_ = false;
    bool input_waits_ = false; // partial_ may hold whole requests, which the protocol left for later
    char inline_[512];
};

} // namespace stadion::net
