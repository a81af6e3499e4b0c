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
// Bounds: reading pauses while more than `limits.queued_bytes_max` wait to be sent; a peer that takes nothing
// for `limits.stalled_write_max` is cut off.
#pragma once

#include "net/runtime.hpp"

#include <boost/intrusive/list_hook.hpp>

#include <chrono>
#include <map>
#include <string_view>

namespace stadion::net {

struct connection_limits {
    std::size_t queued_bytes_max = 4 << 20;
    std::chrono::milliseconds stalled_write_max{10'000};
};

// What makes a connection a member of its worker's list.
using worker_hook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class connection final : public std::enable_shared_from_this<connection>, public worker_hook {
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
    void drain();

    // Replaces the protocol. From inside on_bytes: the old one's return value still counts, then the rest of
    // the bytes go to the new one.
    void become(std::unique_ptr<protocol> next);

    worker& home() noexcept { return home_; }
    const tcp::endpoint& peer() const noexcept { return peer_; }
    bool is_open() const noexcept { return state_ != state::closed; }
    // False once it is ending, although what is queued may still be sent.
    bool takes_input() const noexcept { return state_ == state::open; }
    // True where we accepted, false where we connected.
    bool is_served() const noexcept { return side_ == side::accepted; }

    // Where to append bytes to send; follow with `flush_soon` unless inside on_bytes.
    std::string& output();
    // Queues a large body without copying it.
    void output_shared(std::shared_ptr<const std::string> body);
    void flush_soon();
    void flush();
    // Bytes queued and not yet taken by the kernel.
    std::size_t queued_bytes() const noexcept { return queued_bytes_ + output_.size(); }
    // More is queued than a stream should add to; `protocol::on_drained` says when that has ended.
    bool is_congested() const noexcept { return congested_; }

    // Stops reading until `resume_reading`: back-pressure.
    void pause_reading() noexcept { paused_ = true; }
    void resume_reading();

    // Sends what is queued, then closes.
    void close_when_sent();
    // Closes at once.
    void close();
    // Gives the socket away, for a protocol that brings its own loop; the connection ends without on_closed.
    tcp::socket release();

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

    void read();
    void on_read(error_code failure, std::size_t size);
    void drain_socket(std::size_t first);
    void take_bytes(std::string_view fresh);
    std::string_view feed(std::string_view bytes);
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
    deadline_wheel::clock::time_point last_read_;
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
    char inline_[512];
};

// Bytes queued on all connections of the process that their peers have not taken yet. Any thread.
std::size_t total_queued_bytes() noexcept;

} // namespace stadion::net
