// A client of the fleet that survives the loss of single servers. It asks the dispatcher where to go,
// registers there, and goes to its backup by itself when the connection is lost or the server says GOAWAY.
//
// What a caller may rely on. A write happens exactly once: it carries an idempotency key and is repeated
// under it, on whichever server is there, until it is answered or its time is up. A read never answers with
// an older state than this session has seen. A subscription goes on after the last event seen: none is lost,
// none comes twice.
//
// Threading: the worker given. Lifetime: shared; `stop` ends everything that was started.
#pragma once

#include "net/loop/task_group.hpp"
#include "net/rpc/link.hpp"
#include "tools/client/feed_position.hpp"
#include "wire/proto/dispatcher.pb.h"
#include "wire/proto/frontend.pb.h"

#include <deque>
#include <list>

namespace stadion::tools {

struct client_options {
    std::string dispatcher = "127.0.0.1:7400";
    std::string client_id;
    std::string token;
    std::chrono::milliseconds try_for{30'000}; // how long a call is tried, over all servers
};

class client_session : public std::enable_shared_from_this<client_session> {
public:
    struct handlers {
        std::function<void(const v1::Event&)> on_event;
        std::function<void(std::string_view)> on_notice; // where it goes and why, for a person
    };

    client_session(net::worker& home, client_options wanted, handlers handle);

    void start();
    // Unregisters and ends every task and call.
    net::awaitable<void> stop();

    // Follows these topics from now on, beginning with the current states, in place of those before.
    void subscribe(std::vector<std::string> topics);

    // UNAVAILABLE, with the last reason, when no server has been reached in time.
    net::awaitable<wire::result<void>> registered(std::chrono::milliseconds within);

    template <net::message Response, net::message Request>
    net::awaitable<wire::result<Response>> read(std::uint16_t method, Request request) {
        return parsed<Response>(call(method, request.SerializeAsString(), {}));
    }
    template <net::message Response, net::message Request>
    net::awaitable<wire::result<Response>> write(std::uint16_t method, Request request) {
        return parsed<Response>(call(method, request.SerializeAsString(), next_key()));
    }
    net::awaitable<wire::result<std::string>> call(std::uint16_t method, std::string body, std::string key);

    // Asks the dispatcher itself.
    template <net::message Response, net::message Request>
    net::awaitable<wire::result<Response>> ask_dispatcher(std::uint16_t method, Request request) {
        return dispatcher_->ask<Response>(method, std::move(request));
    }

    bool is_serving() const noexcept { return serving_; }
    const std::string& server() const noexcept { return server_; } // where it is registered, or was last
    const std::string& backup() const noexcept { return backup_; }
    std::uint32_t switches() const noexcept { return switches_; } // how often it had to go to another server
    std::uint64_t seen_sequence() const noexcept { return seen_; }
    void saw(std::uint64_t sequence) noexcept { seen_ = std::max(seen_, sequence); }

private:
    using clock = std::chrono::steady_clock;

    net::awaitable<void> run();
    net::awaitable<void> stay();
    net::awaitable<bool> assign();
    net::awaitable<bool> enter(std::string address);
    net::awaitable<void> find_backup();
    net::awaitable<bool> until(std::function<bool()> holds, clock::time_point deadline);
    net::awaitable<void> pause(std::chrono::milliseconds length);
    void leave(const std::string& why);
    net::awaitable<void> retire(std::shared_ptr<net::link> old);
    void follow();
    void on_event(std::string_view body);
    void is_on(std::uint64_t board, std::uint64_t sequence);
    void changed();
    void notice(const std::string& text);
    std::string next_key();

    template <net::message Response>
    static net::awaitable<wire::result<Response>> parsed(net::awaitable<wire::result<std::string>> answer) {
        auto outcome = co_await std::move(answer);
        if (!outcome) co_return std::move(outcome).error();
        Response response;
        if (!response.ParseFromString(*outcome))
            co_return wire::make_error(wire::status::internal,
                                       "the answer is not a " + Response().GetTypeName());
        co_return response;
    }

    net::worker& home_;
    client_options wanted_;
    handlers handle_;
    net::task_group tasks_;
    std::shared_ptr<net::link> dispatcher_;
    std::shared_ptr<net::link> link_;
    std::string server_;
    std::string backup_;
    std::string ticket_;
    std::deque<std::string> candidates_; // where to go next, best first
    std::string last_failure_ = "not registered yet";
    std::string complained_of_; // the dispatcher's last failure
    bool serving_ = false;
    bool stopping_ = false;
    std::uint64_t entry_ = 0;     // counts servers: an old one's callbacks are ignored
    std::uint64_t following_ = 0; // counts subscriptions: an old one's events are ignored
    std::uint64_t seen_ = 0;
    std::uint64_t board_ = 0; // the board whose sequence seen_ is
    std::uint64_t keys_ = 0;
    std::uint32_t switches_ = 0;
    std::string key_prefix_;
    bool subscribed_ = false;
    std::vector<std::string> topics_;
    feed_position position_;
    std::uint64_t stream_ = 0;
    std::list<net::asio::steady_timer*> waiting_;
    std::mt19937 random_{std::random_device{}()};
};

} // namespace stadion::tools
