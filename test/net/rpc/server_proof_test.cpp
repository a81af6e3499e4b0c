#include "net/rpc/server_proof.hpp"

#include "net/rpc/link.hpp"
#include "test/net/raw_client.hpp"

#include <boost/asio/read.hpp>

#include <thread>

namespace stadion::net {
namespace {

using wire::frame_kind;
using wire::status;

access_policy tokens(const std::string& lines) { return *access_policy::from_text(lines, "test"); }

const char* const ours = "server servers-token\nscorer scorers-token\n";

v1::Hello hello_with(std::string nonce, std::string token) {
    v1::Hello hello;
    hello.set_version_min(1);
    hello.set_version_max(1);
    hello.set_nonce(std::move(nonce));
    hello.set_token(std::move(token));
    return hello;
}

void greet(raw_client& client, std::string nonce, std::string token) {
    client.send_frame({frame_kind::hello, 0, 0, 0, 0},
                      hello_with(std::move(nonce), std::move(token)).SerializeAsString());
}

v1::Welcome welcomed(raw_client& client) {
    const auto frame = client.next();
    EXPECT_EQ(frame.header.kind, frame_kind::welcome);
    v1::Welcome welcome;
    EXPECT_TRUE(welcome.ParseFromString(frame.body));
    return welcome;
}

std::string hexadecimal(std::string_view bytes) {
    std::string text;
    for (const unsigned char byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

// RFC 4231, test case 2.
TEST(server_proof, is_the_hmac_of_the_nonce_under_the_token) {
    EXPECT_EQ(hexadecimal(proof_of("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(make_nonce().size(), nonce_bytes);
    EXPECT_NE(make_nonce(), make_nonce());
}

TEST(server_proof, a_server_proves_that_it_holds_the_token_to_whoever_sends_a_nonce) {
    served one({}, tokens(ours));
    raw_client client(one.port);
    greet(client, "0123456789abcdef", "");
    EXPECT_EQ(welcomed(client).proof(), proof_of("servers-token", "0123456789abcdef"));
    raw_client curious(one.port);
    curious.hello();
    EXPECT_EQ(welcomed(curious).proof(), "");
    served open;
    raw_client stranger(open.port);
    greet(stranger, "0123456789abcdef", "");
    EXPECT_EQ(welcomed(stranger).proof(), "");
}

TEST(server_proof, the_token_comes_in_a_second_hello_and_counts_from_there) {
    served one({}, tokens(ours));
    raw_client client(one.port);
    greet(client, "0123456789abcdef", "");
    client.request(1, list_teams_method);
    welcomed(client);
    EXPECT_EQ(status_of(client.next()), status::unauthenticated);
    greet(client, "", "scorers-token");
    client.request(2, list_teams_method);
    const auto reply = client.next();
    EXPECT_EQ(reply.header.id, 2u);
    EXPECT_EQ(status_of(reply), status::ok);
}

TEST(server_proof, a_second_hello_is_refused_to_all_others) {
    served one({}, tokens(ours));
    const auto is_refused = [&](const v1::Hello& first, const v1::Hello& second, status code) {
        raw_client client(one.port);
        client.send_frame({frame_kind::hello, 0, 0, 0, 0}, first.SerializeAsString());
        welcomed(client);
        client.send_frame({frame_kind::hello, 0, 0, 0, 0}, second.SerializeAsString());
        const auto refusal = client.next();
        EXPECT_EQ(refusal.header.kind, frame_kind::goaway);
        EXPECT_EQ(status_of(refusal), code);
    };
    const std::string nonce = "0123456789abcdef";
    is_refused(hello_with("", ""), hello_with("", "servers-token"), status::invalid_argument);
    is_refused(hello_with(nonce, "scorers-token"), hello_with("", "servers-token"), status::invalid_argument);
    is_refused(hello_with(nonce, ""), hello_with("", "a guess"), status::unauthenticated);
    raw_client client(one.port);
    greet(client, "too short", "");
    EXPECT_EQ(client.next().header.kind, frame_kind::goaway);
}

// Listens, and keeps what it is shown; answers a HELLO with a WELCOME that proves nothing.
class impostor {
public:
    impostor() : thread_([this] { serve(); }) {}
    ~impostor() {
        ending_ = true;
        raw_client(port()).socket().close();
        thread_.join();
    }
    std::uint16_t port() const { return port_; }
    std::size_t callers() const { return callers_; }
    std::string seen() {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

private:
    void serve() {
        while (!ending_) {
            auto socket = acceptor_.accept();
            if (ending_) return;
            ++callers_;
            std::string welcome;
            v1::Welcome message;
            message.set_version(1);
            message.set_proof(std::string(32, 'x'));
            wire::append_frame(welcome, {frame_kind::welcome, 0, 0, 0, 0}, message.SerializeAsString());
            error_code failure;
            asio::write(socket, asio::buffer(welcome), failure);
            std::string bytes;
            asio::read(socket, asio::dynamic_buffer(bytes), failure); // until the caller hangs up
            const std::lock_guard lock(mutex_);
            seen_ += bytes;
        }
    }

    asio::io_context context_;
    tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    const std::uint16_t port_ = acceptor_.local_endpoint().port();
    std::atomic<bool> ending_{false};
    std::atomic<std::size_t> callers_{0};
    std::mutex mutex_;
    std::string seen_;
    std::thread thread_;
};

class proving_link : public testing::Test {
protected:
    ~proving_link() override {
        std::promise<void> closed;
        home.post([&] {
            if (caller) caller->close();
            caller.reset();
            closed.set_value();
        });
        closed.get_future().wait();
        threads.stop();
    }

    wire::result<std::string> ask(std::uint16_t port, std::uint16_t method) {
        std::promise<wire::result<std::string>> answer;
        home.post([&] {
            link_options options;
            options.token = "servers-token";
            options.peer_proves_itself = true;
            caller = std::make_shared<link>(home, options);
            caller->connect({"127.0.0.1:" + std::to_string(port)});
            call_options how;
            how.budget = budget;
            caller->call(method, "a request's body", how, [&](wire::result<link::reply> outcome) {
                if (outcome)
                    answer.set_value(std::string(outcome->body));
                else
                    answer.set_value(outcome.error());
            });
        });
        return answer.get_future().get();
    }

    runtime threads{1};
    worker& home = threads.at(0);
    std::shared_ptr<link> caller;
    std::chrono::milliseconds budget{20'000};
};

TEST_F(proving_link, has_the_servers_role_once_the_peer_has_proved_itself) {
    served one({}, tokens("server servers-token\n"));
    const auto outcome = ask(one.port, server_only_method);
    EXPECT_TRUE(outcome) << outcome.error().message;
}

TEST_F(proving_link, shows_an_impostor_neither_the_token_nor_a_request) {
    impostor other;
    budget = 1'000ms;
    const auto outcome = ask(other.port(), list_teams_method);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, status::unavailable);
    EXPECT_FALSE(outcome.error().outcome_unknown);
    EXPECT_NE(outcome.error().message.find("has not proved"), std::string::npos) << outcome.error().message;
    EXPECT_GE(other.callers(), 1u);
    EXPECT_LE(other.callers(), 100u); // it does not knock without a pause
    EXPECT_EQ(other.seen().find("servers-token"), std::string::npos);
    EXPECT_EQ(other.seen().find("a request's body"), std::string::npos);
}

TEST_F(proving_link, is_refused_by_a_server_of_another_fleet_before_it_shows_anything) {
    served other({}, tokens("server another-token\n"));
    budget = 500ms;
    const auto outcome = ask(other.port, server_only_method);
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().message.find("has not proved"), std::string::npos) << outcome.error().message;
}

} // namespace
} // namespace stadion::net
