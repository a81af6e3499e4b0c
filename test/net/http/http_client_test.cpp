#include "net/http/http_client.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

// Answers one request with these bytes and closes.
class canned_server {
public:
    explicit canned_server(std::string answer) : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {
        address = "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
        thread_ = std::thread([this, answer = std::move(answer)] {
            error_code ignored;
            auto socket = acceptor_.accept(ignored);
            std::string request;
            asio::read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n", ignored);
            asio::write(socket, asio::buffer(answer), ignored);
            socket.shutdown(tcp::socket::shutdown_send, ignored);
            while (!ignored) socket.read_some(asio::buffer(request), ignored);
        });
    }
    ~canned_server() { thread_.join(); }

    std::string address;

private:
    asio::io_context context_;
    tcp::acceptor acceptor_;
    std::thread thread_;
};

using outcome = std::optional<wire::result<http_response>>; // co_spawn wants a default

awaitable<outcome> whole(http_client& client, std::string address) {
    http_client_request request;
    co_return co_await client.ask_whole(std::move(address), std::move(request), 30s);
}

wire::result<http_response> ask(const std::string& answer) {
    canned_server server(answer);
    runtime threads(1);
    http_client client(threads.at(0));
    std::promise<outcome> done;
    asio::co_spawn(threads.at(0).context(), whole(client, server.address),
                   [&](std::exception_ptr thrown, outcome result) {
                       if (thrown)
                           done.set_exception(thrown);
                       else
                           done.set_value(std::move(result));
                   });
    auto result = done.get_future().get();
    threads.run_on_each([](worker&) {}); // the coroutine's objects are destroyed
    threads.stop();
    return *result;
}

TEST(http_client, takes_answers_of_every_framing) {
    for (const std::string answer : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                     "chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nEtag: \"1\"\r\n\r\n",
                                     "HTTP/1.1 200 OK\r\n\r\nhello", "HTTP/1.0 200 OK\r\n\r\nhello",
                                     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 "
                                     "Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
                                     "5\r\n\r\nhello"}) {
        const auto got = ask(answer);
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_EQ(got->body, "hello");
        for (const auto& [name, value] : got->headers) EXPECT_NE(name, "etag") << "it stood in a trailer";
    }
    EXPECT_EQ(ask("HTTP/1.1 204 No Content\r\n\r\n")->status, 204u);
}

TEST(http_client, a_broken_answer_is_an_error_that_says_so) {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string hints;
    for (int i = 0; i < 100; ++i) hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
    for (const auto& answer :
         {chunked + "3\r\nabc\r\n0\r\nA: " + std::string(100'000, 'x') + "\r\n\r\n",
          chunked + "3;" + std::string(100'000, 'x') + "\r\nabc\r\n0\r\n\r\n", chunked + "zz\r\n",
          std::string("SSH-2.0-OpenSSH\r\n\r\n"),
          "HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'x') + "\r\n\r\n",
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
          std::string(
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
          hints}) {
        const auto got = ask(answer);
        ASSERT_FALSE(got) << answer.substr(0, 200);
        EXPECT_EQ(got.error().code, wire::status::unavailable) << got.error().message;
        EXPECT_NE(got.error().message.find("is broken"), std::string::npos) << got.error().message;
        EXPECT_EQ(got.error().details.at("http_status"), "502");
    }
}

TEST(http_client, an_answer_that_is_cut_off_is_an_error) {
    for (const std::string answer : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
                                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
        const auto got = ask(answer);
        ASSERT_FALSE(got) << answer;
        EXPECT_EQ(got.error().code, wire::status::unavailable);
    }
}

} // namespace
} // namespace stadion::net
