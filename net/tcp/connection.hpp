// One TCP connection: bytes in, bytes out, nothing about what they mean. A `protocol` gives them a meaning;
// the wire session, the HTTP session and the outgoing link are protocols, so all of them share this loop.
//
// Shape. Reading: one read is always pending, into a small buffer inside the object; when it is filled, the
// rest is taken without blocking into the worker's shared scratch space, so that an idle connection owns no
// heap buffer and a busy one makes one system call for hundreds of frames. Writing: what a protocol queues
// while it handles one read goes out in one system call at the end; what is queued at other times goes out at
// the end of the loop's turn. One write is in flight at a time.
//
// Threading: lives on one worker. Lifetime: shared; the pending read keeps it alive until it is closed.
// Bounds: while more than `limits.queued_bytes_max` wait to be sent nothing is read. What was read already
// is not handed on then either, nor after `limits.turn_max`, so that others are served in between: a
// protocol asks `must_wait` before each request, and gets the rest later. A peer that takes nothing for
// `limits.stalled_write_max` is cut off. All bytes held, in and out, are counted (memory_budget.hpp);
// while all connections together hold more than `limits.all_bytes_max`, those that hold more than a little
// are not read from, and cut off when that lasts.
// Errors: what a protocol throws closes this connection and goes no further (thrown.hpp).
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
    std::size_t always_read_below = 64 * 1024;    // bytes held: less than that is not worth stopping for
    std::chrono::microseconds turn_max{500};      // how long requests are taken before others have their turn
    std::chrono::milliseconds unread_max{10'000}; // how long such a connection waits for the others to let go
};

class connection final : public std::enable_shared_from_this<connection>, public channel {
public:
    class protocol {
    public:
        virtual ~protocol() = default;

        // Takes what it can use from the front of `bytes` and returns how many bytes that was; the rest comes
        // again, followed by what arrives next.
        virtual std::size_t on_bytes(std::string_view bytes) = 0;

        // The connection was congested and is so no longer.
        virtual void on_drained() {}

        // The connection is gone; called once, never from inside a call the protocol makes.
        virtual void on_closed() {}

        // The server stops: say so, finish what was begun, close.
        virtual void drain() {}
    };

    enum class side : std::uint8_t { accepted, connected };

    connection(worker& home, tcp::socket socket, side which, connection_limits limits = {});
    ~connection();

    void start(std::unique_ptr<protocol> first);
    void drain() override;

    // Replaces the protocol. From inside on_bytes: the old one's return value still counts, then the rest of
    // the bytes go to the new one.
    void become(std::unique_ptr<protocol> next);

    worker& home() noexcept { return home_; }
    const tcp::endpoint& peer() const noexcept { return peer_; }
    bool is_open() const noexcept { return state_ != state::closed; }
    // False once it is ending, although what is queued may still be sent.
    bool takes_input() const noexcept { return state_ == state::open; }
    // True where we accepted, false where we connected.
    bool is_served() const noexcept override { return side_ == side::accepted; }

    // Where to append bytes to send; follow with `flush_soon` unless inside on_bytes.
    std::string& output();
    // Queues a large body without copying it.
    void output_shared(std::shared_ptr<const std::string> body);
    void flush_soon();
    void flush() override;
    // Bytes queued and not yet taken by the kernel.
    std::size_t queued_bytes() const noexcept { return queued_bytes_ + output_.size(); }
    // More is queued than a stream should add to; `protocol::on_drained` says when that has ended.
    bool is_congested() noexcept {
        if (queued_bytes() > limits_.queued_bytes_max / 2) congested_ = true;
        return congested_;
    }
    // Inside on_bytes, before each request: whether to leave the rest for later, because so much is queued
    // that nothing further should be answered, or because this connection has had its turn.
    bool must_wait(deadline_wheel::clock::time_point now) noexcept {
        if (now >= turn_ends_) had_turn_ = true;
        return is_waiting();
    }
    // What `must_wait` said last.
    bool is_waiting() const noexcept { return had_turn_ || is_full(); }
    // What the protocol holds on this connection's behalf: a body that has not arrived whole, requests that
    // wait for their answer. Counted as bytes of this connection.
    void hold(std::size_t bytes) noexcept { held_by_protocol_ = bytes; }
    std::size_t held() const noexcept { return held_by_protocol_; }

    // Stops reading until `resume_reading`: back-pressure.
    void pause_reading() noexcept { paused_ = true; }
    void resume_reading();

    // Sends what is queued, then closes.
    void close_when_sent();
    // Closes at once.
    void close() override;

    // Things whose life ends with the connection, such as a client's registration.
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
    void on_written(error_code failure, std::size_t size);
    void drop_sent(std::size_t size);
    void update_congestion();
    void on_all_sent();
    static void on_write_stalled(deadline& entry);

    struct stall_deadline : deadline {
        connection* owner;
        stall_deadline(connection* of) noexcept : deadline(&connection::on_write_stalled), owner(of) {}
    };
    struct retry_deadline : deadline {
        connection* owner;
        retry_deadline(connection* of) noexcept
            : deadline([](deadline& entry) {
                  const auto self = std::exchange(static_cast<retry_deadline&>(entry).alive, nullptr);
                  self->read_on();
              }),
              owner(of) {}
        void drop() {
            disarm();
            alive.reset();
        }
        std::shared_ptr<connection> alive; // while it is armed: no read is pending that would keep it
    };

    worker& home_;
    tcp::socket socket_;
    tcp::endpoint peer_;
    std::unique_ptr<protocol> protocol_;
    std::unique_ptr<protocol> next_;
    connection_limits limits_;
    std::string partial_;           // the beginning of something that has not arrived whole
    std::string output_;            // being appended to
    std::vector<segment> sealed_;   // waiting to be written, in order
    std::size_t sent_of_first_ = 0; // bytes of sealed_.front() that are written
    std::size_t queued_bytes_ = 0;  // in sealed_, not yet written
    std::size_t held_by_protocol_ = 0;
    held_bytes counted_;
    retry_deadline retry_{this};
    deadline_wheel::clock::time_point unread_since_{}; // zero: input is read
    deadline_wheel::clock::time_point last_read_;
    deadline_wheel::clock::time_point turn_ends_;
    stall_deadline stalled_{this};
    std::map<std::string, std::shared_ptr<void>, std::less<>> attachments_;
    state state_ = state::open;
    side side_;
    bool reading_ = false;
    bool writing_ = false;
    bool handling_ = false;
    bool dirty_ = false;
    bool paused_ = false;
    bool congested_ = false;
    bool resuming_ = false; // read_on is posted
    bool had_turn_ = false;
    bool input_waits_ = false; // partial_ may hold whole requests: the protocol left them for later
    char inline_[512];
};

} // namespace stadion::net
