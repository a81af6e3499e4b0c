#include "net/tcp/connection.hpp"

#include "net/loop/thrown.hpp"

#include <boost/asio/buffer.hpp>

#include <array>
#include <atomic>
#include <cassert>
#include <cstring>

namespace stadion::net {
namespace {

constexpr std::size_t gather_max = 16;         // buffers in one system call
constexpr std::size_t writes_per_turn = 16;    // before other connections have their turn
constexpr std::size_t share_from = 16 * 1024;  // smaller bodies are copied: cheaper than one more buffer
constexpr std::size_t partial_kept = 4 * 1024; // capacity that is kept
constexpr std::chrono::milliseconds linger{1'000};
constexpr std::chrono::milliseconds retry_after{50}; // while too many bytes are held

bool would_block(const error_code& failure) {
    return failure == asio::error::would_block || failure == asio::error::try_again;
}

} // namespace

connection::connection(worker& home, tcp::socket socket, side which, connection_limits limits)
    : home_(home),
      socket_(std::move(socket)),
      limits_(limits),
      last_read_(deadline_wheel::clock::now()),
      side_(which) {
    error_code ignored;
    peer_ = socket_.remote_endpoint(ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    home_.connections.fetch_add(1, std::memory_order_relaxed);
}

connection::~connection() { home_.connections.fetch_sub(1, std::memory_order_relaxed); }

void connection::start(std::unique_ptr<protocol> first) {
    protocol_ = std::move(first);
    home_.add(*this);
    read();
}

// Runs every call from the event loop into a protocol.
template <typename Step>
void connection::guard(Step step) noexcept {
    if (contained("a connection was", step)) return;
    handling_ = false;
    contained("closing a connection was", [this] { close(); });
}

void connection::drain() {
    guard([this] {
        if (state_ == state::open && protocol_) protocol_->drain();
    });
}

void connection::replace_protocol(std::unique_ptr<protocol> next) {
    if (handling_)
        next_ = std::move(next);
    else
        protocol_ = std::move(next);
}

// --- reading ---

void connection::read() {
    if (reading_ || state_ == state::closed || paused_) return;
    if (state_ == state::open) {
        if (is_full()) return; // the end of the write reads on
        if (input_waits_) return read_on_later();
        if (!has_room_to_read()) return;
    }
    reading_ = true;
    socket_.async_read_some(asio::buffer(inline_),
                            [self = shared_from_this()](error_code failure, std::size_t size) {
                                self->guard([&] { self->on_read(failure, size); });
                            });
}

// Handles the input that was left, then reads from the socket.
void connection::read_on() {
    if (state_ == state::closed || handling_) return;
    guard([this] {
        if (input_waits_ && state_ == state::open && !paused_ && !is_full()) {
            handling_ = true;
            begin_turn(deadline_wheel::clock::now());
            take_bytes({});
            handling_ = false;
            flush();
        }
        read();
    });
}

// Other connections have their turn first.
void connection::read_on_later() {
    if (std::exchange(resuming_, true)) return;
    home_.run_in_turn([self = shared_from_this()] {
        self->resuming_ = false;
        self->read_on();
    });
}

// While all connections together hold too much, those that hold much are not read.
bool connection::has_room_to_read() {
    const bool may_read =
        counted_.get() <= limits_.always_read_below || bytes_held() <= limits_.all_bytes_max;
    if (may_read) {
        unread_since_ = {};
        return true;
    }
    const auto now = deadline_wheel::clock::now();
    if (unread_since_ == deadline_wheel::clock::time_point{}) unread_since_ = now;
    if (now - unread_since_ > limits_.unread_max) {
        close();
        return false;
    }
    kept_by_retry_ = shared_from_this();
    home_.arm(retry_, retry_after);
    return false;
}

void connection::on_retry() {
    const auto self = std::exchange(kept_by_retry_, nullptr);
    read_on();
}

void connection::on_read(error_code failure, std::size_t size) {
    reading_ = false;
    if (state_ == state::closed) return;
    if (failure) {
        // The peer may have closed only its sending half, and still wait for what is queued.
        if (failure == asio::error::eof && state_ == state::open) return close_when_sent();
        return close();
    }
    last_read_ = deadline_wheel::clock::now();
    if (state_ == state::closing) return read(); // discarded: see on_all_sent
    if (size == sizeof inline_) return take_bulk();
    handling_ = true;
    begin_turn(last_read_);
    take_bytes({inline_, size});
    handling_ = false;
    flush();
    read();
}

// The inline buffer is full, so there is probably much more. When many connections receive so much at once,
// they use up their share of a round of the loop; then each further one waits for its turn.
void connection::take_bulk() {
    if (!home_.has_time()) {
        reading_ = true; // the inline buffer is in use
        home_.run_in_turn([self = shared_from_this()] {
            self->reading_ = false;
            if (self->state_ == state::closed) return;
            self->guard([&] { self->state_ == state::open ? self->handle_bulk() : self->read(); });
        });
        return;
    }
    const auto begun = last_read_;
    handle_bulk();
    home_.spend(deadline_wheel::clock::now() - begun);
}

void connection::handle_bulk() {
    handling_ = true;
    begin_turn(deadline_wheel::clock::now());
    drain_socket(sizeof inline_);
    handling_ = false;
    flush();
    read();
}

// Reads on without another turn of the loop, behind the content of the inline buffer. The bytes left from
// before are put in front of it if they are few, so that a busy connection needs no buffer of its own.
void connection::drain_socket(std::size_t first) {
    const auto space = home_.scratch();
    std::size_t used = 0;
    if (partial_.size() <= space.size() / 4) {
        used = partial_.copy(space.data(), partial_.size());
        partial_.clear();
    }
    std::memcpy(space.data() + used, inline_, first);
    used += first;
    error_code ignored; // the next read reports an end or an error again
    used += socket_.read_some(asio::buffer(space.data() + used, space.size() - used), ignored);
    take_bytes({space.data(), used});
}

void connection::begin_turn(deadline_wheel::clock::time_point now) noexcept {
    turn_ends_ = now + limits_.turn_max;
    had_turn_ = false;
}

void connection::take_bytes(std::string_view fresh) {
    if (paused_) {
        partial_.append(fresh);
        return;
    }
    if (partial_.empty()) {
        partial_.assign(feed(fresh));
    } else {
        partial_.append(fresh);
        const auto rest = feed(partial_).size();
        partial_.erase(0, partial_.size() - rest);
    }
    input_waits_ = !partial_.empty() && is_waiting();
    const bool is_roomy = partial_.capacity() > partial_kept && partial_.capacity() / 4 > partial_.size();
    if (is_roomy || (partial_.empty() && partial_.capacity() > sizeof inline_)) partial_.shrink_to_fit();
}

// In the ordinary case everything is sent at once and nothing is left over, so the count does not change.
void connection::count_bytes() noexcept {
    const auto left = partial_.empty() ? 0 : partial_.capacity();
    counted_.set(queued_bytes() + left + held_by_protocol_);
}

std::string_view connection::feed(std::string_view bytes) {
    for (;;) {
        const auto used = protocol_->on_bytes(bytes);
        assert(used <= bytes.size());
        bytes.remove_prefix(used);
        if (state_ != state::open) return {};
        if (!next_) return bytes;
        protocol_ = std::move(next_);
        if (bytes.empty()) return bytes;
    }
}

void connection::resume_reading() {
    if (!paused_) return;
    paused_ = false;
    if (handling_ || state_ == state::closed) return;
    input_waits_ = !partial_.empty();
    read_on();
}

// --- writing ---

std::string& connection::output() {
    if (output_.capacity() <= sizeof(std::string)) {
        auto buffer = home_.take_buffer();
        buffer.append(output_);
        output_ = std::move(buffer);
    }
    return output_;
}

void connection::output_shared(std::shared_ptr<const std::string> body) {
    if (body->size() < share_from) {
        output().append(*body);
        return;
    }
    seal_output();
    queued_bytes_ += body->size();
    sealed_.push_back({{}, std::move(body)});
}

void connection::flush_soon() {
    if (handling_ || dirty_ || state_ == state::closed) return;
    dirty_ = true;
    home_.flush_soon(shared_from_this());
}

void connection::flush() {
    dirty_ = false;
    if (state_ == state::closed) return;
    guard([this] {
        if (!writing_) write();
        count_bytes();
    });
}

void connection::write() {
    if (sealed_.empty()) {
        // The ordinary case: everything fits into the kernel's buffer.
        if (output_.empty()) return on_all_sent();
        error_code failure;
        const auto size = socket_.write_some(asio::buffer(output_), failure);
        if (failure && !would_block(failure)) return close();
        if (size == output_.size()) {
            home_.give_buffer(std::exchange(output_, {}));
            return on_all_sent();
        }
        output_.erase(0, size);
    }
    seal_output();
    write_sealed();
}

void connection::seal_output() {
    if (output_.empty()) return;
    queued_bytes_ += output_.size();
    sealed_.push_back({std::exchange(output_, {}), nullptr});
}

void connection::write_sealed() {
    for (std::size_t turn = 0; turn < writes_per_turn && !sealed_.empty(); ++turn) {
        std::array<asio::const_buffer, gather_max> buffers;
        std::size_t count = 0;
        for (auto& one : sealed_) {
            const auto view = one.view().substr(count == 0 ? sent_of_first_ : 0);
            buffers[count++] = asio::buffer(view.data(), view.size());
            if (count == gather_max) break;
        }
        error_code failure;
        const auto size = socket_.write_some(std::span(buffers.data(), count), failure);
        if (would_block(failure)) break;
        if (failure) return close();
        drop_sent(size);
    }
    update_congestion();
    if (state_ == state::closed) return;
    if (sealed_.empty()) return on_all_sent();
    if (!stalled_.armed()) home_.arm(stalled_, limits_.stalled_write_max);
    writing_ = true;
    socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code failure) {
        self->writing_ = false;
        if (self->state_ == state::closed) return;
        if (failure) return self->close();
        self->guard([&] {
            self->seal_output();
            self->write_sealed();
            self->count_bytes();
            self->read();
        });
    });
}

void connection::drop_sent(std::size_t size) {
    stalled_.disarm();
    queued_bytes_ -= size;
    sent_of_first_ += size;
    std::size_t gone = 0;
    while (gone < sealed_.size() && sent_of_first_ >= sealed_[gone].view().size()) {
        sent_of_first_ -= sealed_[gone].view().size();
        home_.give_buffer(std::move(sealed_[gone].owned));
        ++gone;
    }
    sealed_.erase(sealed_.begin(), sealed_.begin() + static_cast<std::ptrdiff_t>(gone));
}

// A high and a low mark. The high mark is half of the limit, so that replies and control frames still have
// room behind a stream; the low mark is a quarter, so that a stream goes on before everything is sent.
void connection::update_congestion() {
    const auto queued = queued_bytes();
    if (queued > limits_.queued_bytes_max / 2) {
        congested_ = true;
    } else if (congested_ && queued < limits_.queued_bytes_max / 4) {
        congested_ = false;
        if (state_ == state::open) protocol_->on_drained();
    }
}

void connection::on_all_sent() {
    update_congestion();
    if (state_ != state::closing || !sealed_.empty() || !output_.empty()) return;
    // Closing with unread input would reset the connection, and the peer could lose what was just sent. So
    // the sending half is shut down, and input is discarded for a moment until the peer closes.
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    if (!stalled_.armed()) home_.arm(stalled_, linger);
    read();
}

// --- ending ---

void connection::close_when_sent() {
    if (state_ != state::open) return;
    state_ = state::closing;
    paused_ = false;
    if (!writing_) flush_soon();
    if (handling_) return; // flushed when the handler returns
}

void connection::close() {
    if (state_ == state::closed) return;
    state_ = state::closed;
    stalled_.disarm();
    unlink();
    error_code ignored;
    socket_.close(ignored);
    home_.post([self = shared_from_this()] {
        self->retry_.disarm();
        self->kept_by_retry_.reset();
        contained("the end of a connection was", [&] {
            self->attachments_.clear();
            if (self->protocol_) self->protocol_->on_closed();
        });
        self->protocol_.reset();
        self->next_.reset();
    });
}

} // namespace stadion::net
