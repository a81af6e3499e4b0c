// The table of RPC methods and their handlers. Filled at start, then read by all workers without a lock.
#pragma once

#include "net/rpc/call.hpp"

#include <google/protobuf/message.h>

#include <concepts>

namespace stadion::net {

template <typename T>
concept message = std::derived_from<T, google::protobuf::Message>;

class rpc_router {
public:
    using handler = std::function<void(call&)>;

    struct route {
        const wire::method* method = nullptr;
        role_set need = anyone;
        handler run;
    };

    rpc_router();

    // The handler gets the encoded body.
    void on_encoded(std::string_view service, std::string_view method, role_set need, handler run);

    // Answers at once: result<Response> run(const Request&, call&).
    template <message Request, typename Run>
    void on(std::string_view service, std::string_view method, role_set need, Run run) {
        on_encoded(service, method, need, [run = std::move(run)](call& one) {
            Request request;
            if (!parse(one, request)) return;
            auto outcome = run(request, one);
            if (outcome)
                one.reply(*outcome);
            else
                one.fail(outcome.error());
        });
    }

    // Answers later: void run(Request, std::shared_ptr<pending_call>). Also for streaming methods.
    template <message Request, typename Run>
    void on_later(std::string_view service, std::string_view method, role_set need, Run run) {
        on_encoded(service, method, need, [run = std::move(run)](call& one) {
            Request request;
            if (!parse(one, request)) return;
            if (auto pending = one.defer()) run(std::move(request), std::move(pending));
        });
    }

    // Answers at once or defers: void run(const Request&, call&).
    template <message Request, typename Run>
    void on_call(std::string_view service, std::string_view method, role_set need, Run run) {
        on_encoded(service, method, need, [run = std::move(run)](call& one) {
            Request request;
            if (parse(one, request)) run(request, one);
        });
    }

    const route* find(std::uint16_t number) const noexcept {
        return number < routes_.size() && routes_[number].run ? &routes_[number] : nullptr;
    }

    // The methods that have a handler, in order of their numbers.
    std::vector<const wire::method*> offered() const;

    // The error for a method number without a handler.
    static wire::error not_offered(std::uint16_t number, std::string_view kind);

    // False when the body is malformed; the call has then been answered.
    static bool parse(call& one, google::protobuf::Message& request);

private:
    std::vector<route> routes_; // index: method number
};

} // namespace stadion::net
