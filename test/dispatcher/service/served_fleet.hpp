// A dispatcher in this process, servers that only pretend, and callers that wait for their answers.
#pragma once

#include "dispatcher/service/dispatcher_server.hpp"
#include "net/http/http_client.hpp"
#include "net/rpc/link.hpp"
#include "net/server/server.hpp"
#include "test/support/temporary_directory.hpp"
#include "wire/proto/dispatcher.pb.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>

namespace stadion::dispatcher {

inline constexpr std::chrono::seconds long_enough{20};

// One connection over the wire, used from the test's thread.
class wire_caller {
public:
    wire_caller(net::worker& home, const std::string& address) : home_(home) {
        run([&] {
            link_ = std::make_shared<net::link>(home_, net::link_options{});
            link_->connect({address});
        });
    }
    ~wire_caller() { close(); }

    template <typename Response, typename Request>
    wire::result<Response> ask(std::uint16_t method, const Request& request) {
        std::promise<wire::result<Response>> answer;
        home_.post([&, body = request.SerializeAsString()] {
            net::call_options options;
            options.budget = std::chrono::seconds(10);
            link_->call(method, body, options, [&](wire::result<net::link::reply> outcome) {
                if (!outcome) return answer.set_value(outcome.error());
                Response response;
                response.ParseFromArray(outcome->body.data(), static_cast<int>(outcome->body.size()));
                answer.set_value(response);
            });
        });
        return answer.get_future().get();
    }

    void watch(std::uint16_t method, std::function<void(std::string_view)> on_event) {
        run([&] { link_->stream(method, {}, {}, std::move(on_event), [](auto) {}); });
    }

    void close() {
        run([this] {
            if (link_) link_->close();
            link_.reset();
        });
    }

private:
    void run(const std::function<void()>& task) {
        std::promise<void> done;
        home_.post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }

    net::worker& home_;
    std::shared_ptr<net::link> link_;
};

// Status 0 and the reason when there is no answer.
inline net::awaitable<net::http_response> whole(net::http_client& client, std::string address,
                                                net::http_client_request request) {
    auto answer = co_await client.ask_whole(address, request, std::chrono::milliseconds(15'000));
    net::http_response response;
    if (answer) {
        response = *std::move(answer);
    } else {
        response.status = 0;
        response.body = answer.error().message;
    }
    co_return response;
}

class ServedFleet : public testing::Test {
protected:
    explicit ServedFleet(std::uint32_t servers = 0) {
        options.port = 0;
        options.servers = servers;
        options.database_host = "192.0.2.1"; // on no machine of ours (RFC 5737): nothing is started
        options.data = folder.path();
        options.heartbeat = {std::chrono::seconds(10), 3}; // nobody is missed for being silent
        start();
    }
    ~ServedFleet() override {
        stop();
        threads.stop();
    }

    void start() {
        server = std::make_unique<dispatcher_server>(threads, options);
        const auto bound = server->start();
        ASSERT_TRUE(bound) << bound.error().message;
        address = *bound;
    }
    void stop() {
        if (server) server->stop(std::chrono::seconds(1));
        server.reset();
    }

    // Joins as a front-end and, by a heartbeat, is up.
    std::uint32_t join(wire_caller& as, const std::string& at, std::uint32_t id = 0) {
        v1::JoinRequest joining;
        joining.set_kind("frontend");
        joining.set_address(at);
        joining.set_capacity(1000);
        joining.set_server_id(id);
        joining.add_services("FrontEnd");
        const auto joined = as.ask<v1::JoinResponse>(0x0102, joining);
        EXPECT_TRUE(joined);
        v1::HeartbeatRequest beat;
        beat.set_server_id(joined->server_id());
        beat.set_sequence(1);
        beat.set_capacity(1000);
        beat.set_state(v1::Server::UP);
        EXPECT_TRUE(as.ask<v1::HeartbeatResponse>(0x0103, beat));
        return joined->server_id();
    }

    std::vector<std::string> listed() {
        wire_caller asking(threads.at(1), address);
        std::vector<std::string> addresses;
        const auto answer = asking.ask<v1::GetAllServersResponse>(0x0105, v1::GetAllServersRequest());
        EXPECT_TRUE(answer);
        for (const auto& one : answer->servers()) addresses.push_back(one.address());
        return addresses;
    }

    net::http_response http(const std::string& method, const std::string& target,
                            std::vector<std::pair<std::string, std::string>> headers = {},
                            std::string body = {}) {
        std::promise<net::http_response> answer;
        net::http_client client(threads.at(1));
        net::http_client_request request;
        request.method = method;
        request.target = target;
        request.headers = std::move(headers);
        request.body = std::move(body);
        net::asio::co_spawn(
            threads.at(1).context(), whole(client, address, request),
            [&](std::exception_ptr, net::http_response outcome) { answer.set_value(outcome); });
        return answer.get_future().get();
    }

    test::temporary_directory folder;
    net::runtime threads{2};
    dispatcher_options options;
    std::unique_ptr<dispatcher_server> server;
    std::string address;
};

} // namespace stadion::dispatcher
