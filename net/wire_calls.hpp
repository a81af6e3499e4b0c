// How a wire request is answered: at once, straight into the connection's output, or later. Private to
// wire_session.
#pragma once

#include "net/wire_session.hpp"
#include "wire/error_message.hpp"

#include <google/protobuf/message_lite.h>

namespace stadion::net {

inline constexpr std::size_t small_enough_to_copy = 16 * 1024;

inline std::uint64_t microseconds_between(deadline_wheel::clock::time_point from,
                                          deadline_wheel::clock::time_point to) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

inline wire::frame_header reply_header(wire::status code, std::uint64_t id, std::uint64_t microseconds) {
    return {wire::frame_kind::reply, 0, static_cast<std::uint16_t>(code), id,
            static_cast<std::uint32_t>(std::min<std::uint64_t>(microseconds, 0xffffffff))};
}

inline void append_reply(std::string& out, std::uint64_t id, std::uint64_t microseconds,
                         std::string_view body, std::string_view tail) {
    char header[wire::frame_header_size];
    wire::write_header(header, reply_header(wire::status::ok, id, microseconds), body.size() + tail.size());
    out.append(header, sizeof header).append(body).append(tail);
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
        if (std::exchange(answered_, true)) return;
        const auto microseconds = finish(wire::status::ok);
        append_reply(link_.output(), id_, microseconds, body, tail);
    }

    void reply(const google::protobuf::MessageLite& message) override {
        if (std::exchange(answered_, true)) return;
        const auto microseconds = finish(wire::status::ok);
        const auto size = message.ByteSizeLong();
        auto& out = link_.output();
        const auto start = out.size();
        out.resize(start + wire::frame_header_size + size);
        wire::write_header(out.data() + start, reply_header(wire::status::ok, id_, microseconds), size);
        message.SerializeWithCachedSizesToArray(
            reinterpret_cast<std::uint8_t*>(out.data() + start + wire::frame_header_size));
    }

    void fail(const wire::error& failure) override {
        if (std::exchange(answered_, true)) return;
        const auto microseconds = finish(failure.code);
        wire::append_frame(link_.output(), reply_header(failure.code, id_, microseconds),
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

    wire_session& owner_;
    std::uint64_t id_;
    clock::time_point since_;
    clock::time_point now_{since_};
};

// Answered later. The session knows it by a weak pointer, the handler owns it.
class wire_session::deferred_call final : public pending_call {
public:
    using pending_call::reply;

    deferred_call(wire_session& owner, std::shared_ptr<connection> link, std::uint64_t id,
                  v1::Metadata metadata, clock::time_point since, clock::time_point deadline_at)
        : pending_call(link->home(), std::move(metadata), deadline_at),
          owner_(&owner),
          link_(std::move(link)),
          id_(id),
          since_(since) {}

    ~deferred_call() override {
        if (open_)
            fail(wire::make_error(wire::status::internal, "the request was dropped without an answer"));
    }

    void arm(std::chrono::milliseconds budget) { home_.arm(expiry_, budget); }

    void reply(std::string_view body, std::string_view tail) override {
        if (!end()) return;
        const auto microseconds = microseconds_between(since_, clock::now());
        owner_->count(wire::status::ok, microseconds);
        if (body.size() >= small_enough_to_copy) {
            char header[wire::frame_header_size];
            wire::write_header(header, reply_header(wire::status::ok, id_, microseconds),
                               body.size() + tail.size());
            link_->output().append(header, sizeof header);
            link_->output_shared(std::make_shared<const std::string>(body));
            link_->output().append(tail);
        } else {
            append_reply(link_->output(), id_, microseconds, body, tail);
        }
        finished();
    }

    void fail(const wire::error& failure) override {
        if (!end()) return;
        owner_->send_error(id_, failure, since_);
        finished();
    }

    void event(std::string_view body) override {
        if (!open_) return;
        char header[wire::frame_header_size];
        wire::write_header(header, {wire::frame_kind::event, 0, 0, id_, 0}, body.size());
        link_->output().append(header, sizeof header).append(body);
        owner_->metrics().events_sent.add();
        link_->flush_soon();
    }

    bool is_congested() const noexcept override { return link_->is_congested(); }

    // The caller, or time, has ended it.
    void end_with(wire::status code, const std::string& message) {
        if (!open_) return;
        const auto keep = on_abandoned;
        fail(wire::make_error(code, message));
        if (keep) keep();
    }

    // The connection is gone.
    void disconnect() {
        owner_ = nullptr;
        expiry_.disarm();
        abandon();
    }

private:
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
    expiry expiry_{this};
};

} // namespace stadion::net
