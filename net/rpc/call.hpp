// One request being answered, whatever it came by: a wire frame or POST /rpc. Handlers see this and nothing
// of the transport.
//
// A handler runs on the worker of the connection. It answers at once through `call`, or takes a
// `pending_call` with `defer` and answers later, on the same worker. Exactly one answer is sent per request:
// a second one is ignored, and a pending call that is dropped without an answer answers INTERNAL by itself.
#pragma once

#include "net/loop/runtime.hpp"
#include "net/rpc/access.hpp"
#include "net/rpc/request_watch.hpp"
#include "wire/method_table.hpp"
#include "wire/proto/handshake.pb.h"
#include "wire/result.hpp"

#include <functional>
#include <string_view>

namespace google::protobuf {
class MessageLite;
}

namespace stadion::net {

class connection;
class pending_call;

class reply_sink {
public:
    virtual ~reply_sink() = default;
    // The encoded response, in one or two parts.
    virtual void reply(std::string_view body, std::string_view tail = {}) = 0;
    virtual void fail(const wire::error& failure) = 0;
    virtual void reply(const google::protobuf::MessageLite& message);
};

class call : public reply_sink {
public:
    const wire::method& method() const noexcept { return method_; }
    std::string_view body() const noexcept { return body_; } // valid until the handler returns
    // False when what precedes the body is not metadata. The request ends then: whoever ignored it would
    // ignore an idempotency key.
    bool read_metadata();
    const v1::Metadata& metadata();
    role_set roles() const noexcept { return roles_; }
    std::chrono::milliseconds budget() const noexcept { return budget_; }
    connection& link() noexcept { return link_; }
    worker& home() noexcept;

    // Whether the caller stays on this connection, so that its loss says something about the caller. Over
    // HTTP a connection means nothing.
    virtual bool is_from_lasting_connection() const noexcept { return true; }

    // From the next request on this connection, its requests are shown to `watch`; null: to nobody any more.
    virtual void watch_requests(std::shared_ptr<request_watch>) {}

    bool is_answered() const noexcept { return answered_; }
    virtual std::shared_ptr<pending_call> defer() = 0;

protected:
    call(connection& link, const wire::method& method, std::string_view body, std::string_view metadata,
         role_set roles, std::chrono::milliseconds budget)
        : link_(link),
          method_(method),
          body_(body),
          raw_metadata_(metadata),
          roles_(roles),
          budget_(budget) {}

    connection& link_;
    const wire::method& method_;
    std::string_view body_;
    std::string_view raw_metadata_;
    role_set roles_;
    std::chrono::milliseconds budget_;
    bool answered_ = false;

private:
    v1::Metadata metadata_;
    bool metadata_parsed_ = false;
};

// A request that is answered later. Ends by `reply`, `fail`, its deadline, CANCEL, or the loss of the
// connection; the last three call `on_abandoned`, after which answers go nowhere.
class pending_call : public reply_sink {
public:
    using reply_sink::reply;

    // Streaming methods: one item, before the reply. Ignored once the call has ended.
    virtual void event(std::string_view body) = 0;

    // True while the connection has more queued than a stream should add to: keep the newest item per key and
    // go on when `on_drained` is called.
    virtual bool is_congested() const noexcept = 0;

    // Counts so many bytes more that the handler keeps until the call ends as bytes of the connection. False
    // when that would be too many: then they are not counted, and the call should fail RESOURCE_EXHAUSTED.
    virtual bool hold(std::size_t bytes) noexcept = 0;

    bool is_open() const noexcept { return open_; }
    worker& home() noexcept { return home_; }
    const v1::Metadata& metadata() const noexcept { return metadata_; }
    deadline_wheel::clock::time_point deadline_at() const noexcept { return deadline_at_; }
    std::chrono::milliseconds time_left() const noexcept;

    std::function<void()> on_abandoned;
    std::function<void()> on_drained;

protected:
    pending_call(worker& home, v1::Metadata metadata, deadline_wheel::clock::time_point deadline_at)
        : home_(home), metadata_(std::move(metadata)), deadline_at_(deadline_at) {}

    void abandon() {
        if (!std::exchange(open_, false)) return;
        if (auto action = std::exchange(on_abandoned, nullptr)) action();
    }

    worker& home_;
    v1::Metadata metadata_;
    deadline_wheel::clock::time_point deadline_at_;
    bool open_ = true;
};

} // namespace stadion::net
