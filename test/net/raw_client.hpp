// A blocking TCP client for tests, and a server whose methods answer in every possible way.
#pragma once

#include "net/server/server.hpp"
#include "test/support/eventually.hpp"
#include "wire/frame.hpp"
#include "wire/proto/frontend.pb.h"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <future>
#include <poll.h>

namespace stadion::net {

using namespace std::chrono_literals;

class raw_client {
public:
    explicit raw_client(std::uint16_t port) { socket_.connect({asio::ip::address_v4::loopback(), port}); }

    void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes.data(), bytes.size())); }
    void send_frame(const wire::frame_header& header, std::string_view body = {}) {
        std::string bytes;
        wire::append_frame(bytes, header, body);
        send(bytes);
    }
    void hello(std::string token = {}) {
        v1::Hello hello;
        hello.set_version_min(1);
        hello.set_version_max(1);
        hello.set_token(std::move(token));
        send_frame({wire::frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
    }
    void request(std::uint64_t id, std::uint16_t method, std::string_view body = {},
                 std::uint32_t budget = 10'000) {
        send_frame({wire::frame_kind::request, 0, method, id, budget}, body);
    }

    struct received {
        wire::frame_header header;
        std::string body;
    };

    // The next frame; a failed expectation, and a header of kind 0, when the connection ends or 10 s pass.
    received next() {
        wire::frame frame;
        for (;;) {
            const auto result = wire::decode(buffer_, frame);
            if (result.status == wire::decode_status::complete) {
                received one{frame.header, std::string(frame.body)};
                buffer_.erase(0, result.size);
                return one;
            }
            if (!read_some()) {
                ADD_FAILURE() << "no further frame";
                return {};
            }
        }
    }

    // Everything until the server closes.
    std::string rest() {
        while (read_some()) {
        }
        return std::exchange(buffer_, {});
    }

    // Reads until the text has come.
    std::string until(std::string_view text) {
        for (;;) {
            if (const auto at = buffer_.find(text); at != std::string::npos) {
                auto found = buffer_.substr(0, at + text.size());
                buffer_.erase(0, at + text.size());
                return found;
            }
            if (!read_some()) {
                ADD_FAILURE() << "'" << text << "' did not come, but: " << buffer_;
                return std::exchange(buffer_, {});
            }
        }
    }

    tcp::socket& socket() { return socket_; }

private:
    bool read_some() {
        pollfd waiting{socket_.native_handle(), POLLIN, 0};
        if (::poll(&waiting, 1, 10'000) != 1) return false;
        char bytes[4096];
        error_code failure;
        const auto size = socket_.read_some(asio::buffer(bytes), failure);
        buffer_.append(bytes, size);
        return !failure;
    }

    asio::io_context context_;
    tcp::socket socket_{context_};
    std::string buffer_;
};

// A client that has sent HELLO and got WELCOME.
class greeted_client : public raw_client {
public:
    explicit greeted_client(std::uint16_t port, std::string token = {}) : raw_client(port) {
        hello(std::move(token));
        EXPECT_EQ(next().header.kind, wire::frame_kind::welcome);
    }
};

// FrontEnd.QueryScoreByGame answers at once; UpdateScoreByGame when `release` is called; IncrementMedalTally
// is deferred and dropped; Subscribe streams what `push` sends; ListTeams is for scorers, UnregisterClient
// for servers.
class served {
public:
    explicit served(session_limits limits = {}, access_policy access = {})
        : server(threads, "frontend", std::move(access), limits) {
        auto& rpc = server.rpc();
        rpc.on<v1::QueryScoreByGameRequest>(
            "FrontEnd", "QueryScoreByGame", anyone,
            [](const v1::QueryScoreByGameRequest& request, call&) -> wire::result<v1::Score> {
                if (request.game() == "none")
                    return wire::make_error(wire::status::not_found, "no such game: none");
                v1::Score score;
                score.set_game(request.game());
                return score;
            });
        rpc.on_encoded("FrontEnd", "UpdateScoreByGame", anyone, [this](call& one) {
            if (auto pending = one.defer()) {
                pending->on_abandoned = [this] {
                    ++abandoned;
                    support::announce_change();
                };
                keep(std::move(pending));
            }
        });
        rpc.on_encoded("FrontEnd", "IncrementMedalTally", anyone, [](call& one) { one.defer(); });
        rpc.on_encoded("FrontEnd", "ListGames", anyone, [](call&) {});
        rpc.on_encoded("FrontEnd", "ListTeams", roles(role::scorer), [](call& one) { one.reply("", ""); });
        rpc.on_encoded("FrontEnd", "UnregisterClient", roles(role::server),
                       [](call& one) { one.reply("", ""); });
        rpc.on_encoded("FrontEnd", "Subscribe", anyone, [this](call& one) {
            auto pending = one.defer();
            pending->on_drained = [] {};
            keep(std::move(pending));
        });
        auto address = server.listen("127.0.0.1", 0);
        EXPECT_TRUE(address);
        port = static_cast<std::uint16_t>(std::stoi(address->substr(address->rfind(':') + 1)));
    }

    ~served() {
        server.drain(0ms);
        threads.run_on_each([](worker&) {});
        // Waiting calls belong to their workers, so they are destroyed there while these still run.
        release([](pending_call&) {});
        threads.stop();
    }

    // Runs `answer` for every deferred call, each on its own worker, and waits until that is done.
    void release(const std::function<void(pending_call&)>& answer) {
        std::vector<std::shared_ptr<pending_call>> all;
        {
            const std::lock_guard lock(mutex);
            all.swap(waiting);
        }
        for (auto& one : all) {
            std::promise<void> done;
            one->home().post([&] {
                answer(*one);
                one.reset();
                done.set_value();
            });
            done.get_future().wait();
        }
    }

    std::size_t deferred() {
        const std::lock_guard lock(mutex);
        return waiting.size();
    }

    runtime threads{2};
    net::server server;
    std::uint16_t port = 0;
    std::mutex mutex;
    std::vector<std::shared_ptr<pending_call>> waiting;
    std::atomic<int> abandoned{0};

private:
    void keep(std::shared_ptr<pending_call> pending) {
        {
            const std::lock_guard lock(mutex);
            waiting.push_back(std::move(pending));
        }
        support::announce_change();
    }
};

// `served` announces its changes.
using support::eventually;

inline std::string query(const std::string& game) {
    v1::QueryScoreByGameRequest request;
    request.set_game(game);
    return request.SerializeAsString();
}

inline constexpr std::uint16_t server_only_method = 0x0202;
inline constexpr std::uint16_t query_method = 0x0203;
inline constexpr std::uint16_t update_method = 0x0205;
inline constexpr std::uint16_t increment_method = 0x0206;
inline constexpr std::uint16_t subscribe_method = 0x0207;
inline constexpr std::uint16_t list_games_method = 0x0208;
inline constexpr std::uint16_t list_teams_method = 0x0209;

inline wire::status status_of(const raw_client::received& one) {
    return static_cast<wire::status>(one.header.code);
}

inline std::string message_of(const raw_client::received& one) {
    v1::Error error;
    error.ParseFromString(one.body);
    return error.message();
}

} // namespace stadion::net
