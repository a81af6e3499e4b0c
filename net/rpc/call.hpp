// One request that a handler answers. It came as a wire frame or as POST /rpc; handlers do not see the
// transport.
//
// A handler runs on the worker of the connection. It either answers at once through `call`, or gets a
// `pending_call` by `defer` and answers later, on the same worker. Each request gets exactly one answer: a
// second one is ignored, and a `pending_call` that is destroyed without an answer answers INTERNAL by itself.
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
    // False when the metadata is malformed. The request is then refused, because ignoring its metadata could
    // ignore an idempotency key.
    bool read_metadata();
    const v1::Metadata& metadata();
    role_set roles() const noexcept { return roles_; }
    connection& link() noexcept { return link_; }
    worker& home() noexcept;

    // Whether the connection belongs to the caller for as long as it lasts, so that its loss is the loss of
    // the caller. Over HTTP that is not so.
    virtual bool is_from_lasting_connection() const noexcept { return true; }

    // Reports the requests of this connection to `watch`, from the next one on. Null ends that.
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

// A request that is answered later. It ends with `reply`, `fail`, its deadline, CANCEL, or the loss of the
// connection. The last three call `on_abandoned`; answers after that are ignored.
class pending_call : public reply_sink {
public:
    using reply_sink::reply;

    // One item of a streaming method, before the reply. Ignored once the call has ended.
    virtual void event(std::string_view body) = 0;

    // Whether a stream should add nothing now. It then keeps the newest item per key, and goes on when
    // `on_drained` is called.
    virtual bool is_congested() const noexcept = 0;

    // Counts further bytes, which the handler keeps until the call ends, as bytes of the connection. False
    // when that is too many: they are not counted, and the handler should fail with RESOURCE_EXHAUSTED.
    virtual bool hold(std::size_t bytes) noexcept = 0;

    bool is_open() const noexcept { return open_; }
    worker& home() noexcept { return home_; }
    const v1::Metadata& metadata() const noexcept { return metadata_; }
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
