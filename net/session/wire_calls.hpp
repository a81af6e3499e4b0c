// How a wire request is answered: at once, straight into the connection's output, or later. Private to
// wire_session.
#pragma once

#include "net/loop/thrown.hpp"
#include "net/session/wire_session.hpp"
#include "wire/error_message.hpp"

#include <google/protobuf/message_lite.h>

namespace stadion::net {

inline constexpr std::size_t small_enough_to_copy = 16 * 1024;
inline constexpr std::size_t unread_reply_min = 1024;       // smaller replies always find room
inline constexpr std::size_t unread_replies_max = 32 << 20; // a caller asks faster than it reads

inline std::uint64_t microseconds_between(deadline_wheel::clock::time_point from,
                                          deadline_wheel::clock::time_point to) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

// What is answered instead of a reply that no frame can carry.
inline wire::error too_large(const std::string& what, std::size_t size, std::size_t size_max) {
    return wire::make_error(wire::status::resource_exhausted,
                            what + " has " + std::to_string(size) + " bytes, and at most " +
                                std::to_string(size_max) +
                                " can be sent to you in one frame; ask for less, or for pages");
}

// Answered before its handler returns: writes straight into the connection's output.
class wire_session::immediate_call final : public call {
public:
    using reply_sink::reply;

    immediate_call(wire_session& owner, const wire::frame& frame, const wire::method& method,
                   clock::time_point since)
        : call(owner.link_, method, frame.body, frame.metadata, owner.roles_,
               std::chrono::milliseconds(frame.header.budget)),
          owner_(owner),
          id_(frame.header.id),
          since_(since) {}

    void reply(std::string_view body, std::string_view tail) override {
        if (answered_) return;
        if (const auto size = body.size() + tail.size(); size > owner_.protocol_.payload_max())
            return refuse_reply(size);
        answered_ = true;
        const auto microseconds = finish(wire::status::ok);
        wire::append_reply(link_.output(), id_, microseconds, body, tail);
    }

    void reply(const google::protobuf::MessageLite& message) override {
        if (answered_) return;
        const auto size = message.ByteSizeLong();
        if (size > owner_.protocol_.payload_max()) return refuse_reply(size);
        answered_ = true;
        const auto microseconds = finish(wire::status::ok);
        auto& out = link_.output();
        const auto start = out.size();
        out.resize(start + wire::frame_header_size + size);
        wire::write_header(out.data() + start, wire::reply_header(wire::status::ok, id_, microseconds), size);
        message.SerializeWithCachedSizesToArray(
            reinterpret_cast<std::uint8_t*>(out.data() + start + wire::frame_header_size));
    }

    void fail(const wire::error& failure) override {
        if (std::exchange(answered_, true)) return;
        const auto microseconds = finish(failure.code);
        wire::append_frame(link_.output(), wire::reply_header(failure.code, id_, microseconds),
                           wire::to_message(failure).SerializeAsString());
    }

    std::shared_ptr<pending_call> defer() override;
    void watch_requests(std::shared_ptr<request_watch> watch) override { owner_.watch_ = std::move(watch); }

    clock::time_point now() const noexcept { return now_; }

private:
    std::uint64_t finish(wire::status code) {
        now_ = clock::now();
        const auto microseconds = microseconds_between(since_, now_);
        owner_.count(code, microseconds);
        return microseconds;
    }

    void refuse_reply(std::size_t size) {
        fail(too_large("the answer of " + method_.full_name(), size, owner_.protocol_.payload_max()));
    }

    wire_session& owner_;
    std::uint64_t id_;
    clock::time_point since_;
    clock::time_point now_{since_};
};

// Answered later. The session knows it by a weak pointer, the handler owns it.
class wire_session::deferred_call final : public pending_call,
                                          public std::enable_shared_from_this<wire_session::deferred_call> {
public:
    using pending_call::reply;

    deferred_call(wire_session& owner, std::shared_ptr<connection> link, std::uint64_t id,
                  v1::Metadata metadata, clock::time_point since, clock::time_point deadline_at,
                  std::size_t bytes)
        : pending_call(link->home(), std::move(metadata), deadline_at),
          owner_(&owner),
          link_(std::move(link)),
          id_(id),
          since_(since) {
        hold(bytes);
    }

    ~deferred_call() override {
        let_go();
        if (!open_) return;
        contained("an answer was", [this] {
            fail(wire::make_error(wire::status::internal, "the request was dropped without an answer"));
        });
    }

    void arm(std::chrono::milliseconds budget) { home_.arm(expiry_, budget); }

    void reply(std::string_view body, std::string_view tail) override {
        if (!open_) return;
        const auto size = body.size() + tail.size();
        if (size > owner_->protocol_.payload_max())
            return fail_done(too_large("the answer", size, owner_->protocol_.payload_max()));
        if (size > unread_reply_min && link_->queued_bytes() > unread_replies_max)
            return fail_done(wire::make_error(wire::status::resource_exhausted,
                                              "the answers that you have not read yet hold " +
                                                  std::to_string(link_->queued_bytes()) + " bytes"));
        end();
        const auto microseconds = microseconds_between(since_, clock::now());
        owner_->count(wire::status::ok, microseconds);
        if (body.size() >= small_enough_to_copy) {
            char header[wire::frame_header_size];
            wire::write_header(header, wire::reply_header(wire::status::ok, id_, microseconds),
                               body.size() + tail.size());
            link_->output().append(header, sizeof header);
            link_->output_shared(std::make_shared<const std::string>(body));
            link_->output().append(tail);
        } else {
            wire::append_reply(link_->output(), id_, microseconds, body, tail);
        }
        finished();
    }

    void fail(const wire::error& failure) override {
        if (!end()) return;
        owner_->send_error(id_, failure, since_);
        finished();
    }

    void event(std::string_view body) override {
        if (!open_ || is_broken_) return;
        if (body.size() > owner_->protocol_.payload_max()) return end_soon(body.size());
        char header[wire::frame_header_size];
        wire::write_header(header, {wire::frame_kind::event, 0, 0, id_, 0}, body.size());
        link_->output().append(header, sizeof header).append(body);
        owner_->metrics().events_sent.add();
        link_->flush_soon();
    }

    bool is_congested() const noexcept override { return link_->is_congested(); }

    bool hold(std::size_t bytes) noexcept override {
        if (!owner_ || link_->held() + bytes > owner_->server_.limits.in_flight_bytes_max) return false;
        bytes_ += bytes;
        link_->hold(link_->held() + bytes);
        return true;
    }

    // The caller, or time, has ended it.
    void end_with(wire::status code, const std::string& message) {
        end_with(wire::make_error(code, message));
    }
    void end_with(const wire::error& failure) {
        if (!open_) return;
        const auto keep = on_abandoned;
        fail(failure);
        if (keep) keep();
    }

    // The connection is gone.
    void disconnect() {
        owner_ = nullptr;
        expiry_.disarm();
        abandon();
    }

private:
    // An event that no frame can carry ends the stream, but not while its handler is in the middle of it.
    void end_soon(std::size_t size) {
        is_broken_ = true;
        home_.post([self = shared_from_this(), size] {
            if (self->open_)
                self->end_with(too_large("an event", size, self->owner_->protocol_.payload_max()));
        });
    }

    // The request has been run, and its answer cannot be given.
    void fail_done(wire::error failure) {
        failure.outcome_unknown = true;
        fail(failure);
    }

    void let_go() noexcept {
        if (owner_ == nullptr) return; // the connection is gone
        link_->hold(link_->held() - std::exchange(bytes_, 0));
    }

    bool end() {
        if (!open_) return false;
        open_ = false;
        expiry_.disarm();
        on_abandoned = nullptr;
        return true;
    }
    void finished() {
        link_->flush_soon();
        owner_->finish(id_);
    }

    struct expiry : deadline {
        deferred_call* owner;
        explicit expiry(deferred_call* of)
            : deadline([](deadline& entry) {
                  static_cast<expiry&>(entry).owner->end_with(wire::status::deadline_exceeded,
                                                              "the request's budget is spent");
              }),
              owner(of) {}
    };

    wire_session* owner_;
    std::shared_ptr<connection> link_;
    std::uint64_t id_;
    clock::time_point since_;
    std::size_t bytes_ = 0;  // of the connection's held ones
    bool is_broken_ = false; // ends soon: nothing further is sent
    expiry expiry_{this};
};

} // namespace stadion::net
