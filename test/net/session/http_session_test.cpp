#include "net/session/http_session.hpp"

#include "net/loop/thrown.hpp"
#include "test/net/raw_client.hpp"

#include <future>

namespace stadion::net {
namespace {

std::string get(std::uint16_t port, const std::string& path, const std::string& headers = {}) {
    raw_client client(port);
    client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n");
    return client.rest();
}

std::string raw(std::uint16_t port, const std::string& bytes) {
    raw_client client(port);
    client.send(bytes);
    return client.rest();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// A server with the paths of a test.
struct routed {
    explicit routed(const std::function<void(http_router&)>& add) {
        add(one.http());
        const auto address = one.listen("127.0.0.1", 0).value();
        port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    }
    ~routed() {
        one.drain(0ms);
        threads.stop();
    }
    runtime threads{2};
    server one{threads, "frontend", {}};
    std::uint16_t port = 0;
};

TEST(http_session, answers_health_and_status) {
    served one;
    EXPECT_TRUE(has(get(one.port, "/livez"), "HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(has(get(one.port, "/status"), "\"kind\":\"frontend\""));
    EXPECT_TRUE(has(get(one.port, "/metrics"), "stadion_http_requests_total"));
    EXPECT_TRUE(has(get(one.port, "/openapi.json"), "\"openapi\":\"3.1.0\""));
}

TEST(http_session, liveness_names_the_worker_that_is_stuck) {
    served one;
    raw_client client(one.port);
    const auto ask = [&](std::string_view last_line) {
        client.send("GET /livez?verbose HTTP/1.1\r\nHost: localhost\r\n\r\n");
        return client.until(last_line);
    };
    EXPECT_TRUE(has(ask("\nok\n"), "[+] worker 0: ok\n[+] worker 1: ok"));
    const std::size_t other = one.threads.at(0).connections == 1 ? 1 : 0;
    std::promise<void> release;
    one.threads.at(other).post([&release] { release.get_future().wait(); });
    const auto answer = ask("not live\n");
    EXPECT_TRUE(has(answer, "503")) << answer;
    EXPECT_TRUE(has(answer, "[-] worker " + std::to_string(other) + ": has not turned")) << answer;
    release.set_value();
    ask("\nok\n");
}

TEST(http_session, readiness_names_the_check_that_fails) {
    served one;
    one.server.add_check("board", [] {
        return wire::result<void>(wire::make_error(wire::status::unavailable, "still empty"));
    });
    const auto answer = get(one.port, "/readyz?verbose");
    EXPECT_TRUE(has(answer, "503")) << answer;
    EXPECT_TRUE(has(answer, "[-] board: still empty"));
}

TEST(http_session, unknown_paths_and_methods_are_problems) {
    served one;
    const auto missing = get(one.port, "/nowhere");
    EXPECT_TRUE(has(missing, "404 Not Found"));
    EXPECT_TRUE(has(missing, "application/problem+json"));
    EXPECT_TRUE(has(missing, "no such path: /nowhere"));
    EXPECT_TRUE(has(missing, "\"code\":\"NOT_FOUND\""));
    const auto wrong =
        raw(one.port, "DELETE /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(has(wrong, "405 Method Not Allowed"));
    EXPECT_TRUE(has(wrong, "Allow: GET"));
}

TEST(http_session, rpcs_are_json_over_post) {
    served one;
    const auto call = [&](const std::string& method, const std::string& body) {
        return raw(one.port, "POST /rpc/FrontEnd/" + method +
                                 " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
                                 "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    };
    EXPECT_TRUE(has(call("QueryScoreByGame", R"({"game":"hockey"})"), R"("game":"hockey")"));
    EXPECT_TRUE(has(call("QueryScoreByGame", R"({"game":"none"})"), "404"));
    EXPECT_TRUE(has(call("QueryScoreByGame", R"({"gaem":"x"})"), "gaem"));
    EXPECT_TRUE(has(call("Nothing", "{}"), "no such method: FrontEnd.Nothing"));
    EXPECT_TRUE(has(call("QueryScoreByGame", std::string(40, '[')), "deeper than 32"));
}

TEST(http_session, a_deferred_rpc_answers_when_it_is_ready) {
    served one;
    raw_client client(one.port);
    client.send(
        "POST /rpc/FrontEnd/UpdateScoreByGame HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return one.deferred() == 1; }));
    one.release([](pending_call& call) {
        v1::Score score;
        score.set_game("late");
        call.reply(score.SerializeAsString(), "");
    });
    const auto answers = client.rest();
    EXPECT_TRUE(has(answers, "\"game\":\"late\"")) << answers;
    EXPECT_TRUE(has(answers, "ok\n")) << answers; // the pipelined request was answered after it
    EXPECT_LT(answers.find("late"), answers.find("ok\n"));
}

TEST(http_session, pipelined_requests_are_answered_in_order_on_one_connection) {
    served one;
    raw_client client(one.port);
    std::string bytes;
    for (int i = 0; i < 100; ++i)
        bytes += "GET /nowhere" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.send(bytes);
    for (int i = 0; i < 100; ++i) client.until("no such path: /nowhere" + std::to_string(i) + "\"");
}

TEST(http_session, head_has_no_body_and_http_1_0_closes) {
    served one;
    const auto head = raw(one.port, "HEAD /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(has(head, "Content-Length: 3"));
    EXPECT_FALSE(has(head, "ok\n"));
    EXPECT_TRUE(has(raw(one.port, "GET /livez HTTP/1.0\r\n\r\n"), "Connection: close"));
}

TEST(http_session, a_body_may_come_in_pieces_and_is_bounded) {
    served one;
    raw_client slow(one.port);
    slow.send(
        "POST /rpc/FrontEnd/QueryScoreByGame HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\nExpect: "
        "100-continue\r\nConnection: close\r\n\r\n{");
    slow.until("100 Continue");
    slow.send("\"game\":\"slow\"}");
    EXPECT_TRUE(has(slow.rest(), "\"game\":\"slow\""));
    EXPECT_TRUE(
        has(raw(one.port, "POST /rpc/A/B HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n"),
            "413"));
}

TEST(http_session, chunked_bodies_are_taken) {
    served one;
    EXPECT_TRUE(
        has(raw(one.port,
                "POST /rpc/FrontEnd/QueryScoreByGame HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                "Transfer-Encoding: chunked\r\n\r\nf\r\n{\"game\":\"hall\"}\r\n0\r\n\r\n"),
            "\"game\":\"hall\""));
}

// A request whose end two parsers could see differently is refused, and the connection is closed.
TEST(http_session, requests_that_could_smuggle_are_refused) {
    std::string many = "GET /livez HTTP/1.1\r\nHost: localhost\r\n";
    for (int i = 0; i < 150; ++i) many += "A: b\r\n";
    const std::vector<std::string> wrong{
        "GET /livez HTTP/1.1\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "POST /livez HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nA: b\r\n folded\r\n\r\n",
        many + "\r\n",
        "GET /liv%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /livez/%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /livez?a=%c3 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /livez HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET\r\n\r\n",
    };
    served one;
    for (const auto& request : wrong) {
        // A second request behind it must never be answered.
        const auto answer = raw(one.port, request + "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n");
        EXPECT_TRUE(has(answer, "HTTP/1.1 400 ")) << request << answer;
        EXPECT_FALSE(has(answer, "smuggled")) << request << answer;
    }
}

TEST(http_session, headers_are_bounded) {
    served one;
    EXPECT_TRUE(
        has(raw(one.port, "GET / HTTP/1.1\r\nHost: localhost\r\nA: " + std::string(20'000, 'a')), "431"));
}

// A trailer field is not a header: it has no effect on the request.
TEST(http_session, trailers_and_chunk_extensions_are_bounded_and_dropped) {
    std::string seen = "nothing";
    routed one([&](http_router& http) {
        http.on(http_method::put, "/tagged", anyone, [&](const http_request& request) {
            seen = std::string(request.header("if-match")) + request.body;
            return text_response("took it\n");
        });
    });
    const auto put = [&](const std::string& chunks) {
        return raw(one.port, "PUT /tagged HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n" +
                                 chunks);
    };
    EXPECT_TRUE(has(put("3;a=b\r\nabc\r\n0\r\nIf-Match: \"7\"\r\n\r\n"), "took it"));
    EXPECT_EQ(seen, "abc");
    EXPECT_TRUE(has(put("3\r\nabc\r\n0\r\nA: " + std::string(100'000, 'x') + "\r\n\r\n"), "HTTP/1.1 431 "));
    EXPECT_TRUE(has(put("3;" + std::string(100'000, 'x') + "\r\nabc\r\n0\r\n\r\n"), "HTTP/1.1 400 "));
    EXPECT_TRUE(has(get(one.port, "/livez"), "200 OK"));
}

TEST(http_session, an_exception_costs_the_connection_and_no_other) {
    routed one([](http_router& http) {
        http.on(http_method::get, "/throw", anyone,
                [](const http_request&) -> http_response { throw std::runtime_error("thrown by a test"); });
        http.on_exchange(http_method::get, "/throw/later", anyone,
                         [](http_request&&, const std::shared_ptr<http_exchange>& exchange) {
                             exchange->home().post(
                                 [exchange] { throw std::runtime_error("thrown by a test"); });
                         });
    });
    raw_client other(one.port);
    other.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    other.until("ok\n");
    const auto before = thrown_total();
    EXPECT_FALSE(has(get(one.port, "/throw"), "200"));
    EXPECT_TRUE(has(get(one.port, "/throw/later"), "HTTP/1.1 500 "));
    EXPECT_TRUE(eventually([&] { return thrown_total() == before + 2; }));
    other.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    other.until("ok\n");
    EXPECT_TRUE(has(get(one.port, "/metrics"), "stadion_exceptions_total " + std::to_string(before + 2)));
}

TEST(http_session, what_a_foreign_page_makes_a_browser_send_is_refused_everywhere) {
    served one;
    const auto ask = [&](const std::string& line, const std::string& headers) {
        return raw(one.port, line + " HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
    };
    const std::string here = "Host: 127.0.0.1:" + std::to_string(one.port) + "\r\n";
    for (const auto* line :
         {"GET /livez", "GET /metrics", "GET /nowhere", "POST /rpc/FrontEnd/QueryScoreByGame"}) {
        EXPECT_TRUE(has(ask(line, "Host: rebound.example\r\n"), "HTTP/1.1 421 ")) << line;
        EXPECT_TRUE(has(ask(line, here + "Origin: http://evil.example\r\n"), "HTTP/1.1 403 ")) << line;
        EXPECT_TRUE(has(ask(line, here + "Sec-Fetch-Site: cross-site\r\n"), "HTTP/1.1 403 ")) << line;
        EXPECT_FALSE(has(ask(line, here + "Origin: http://127.0.0.1:" + std::to_string(one.port) +
                                       "\r\nSec-Fetch-Site: same-origin\r\n"),
                         "HTTP/1.1 403 "))
            << line;
    }
    // As `curl -d` sends it.
    EXPECT_TRUE(
        has(raw(one.port, "POST /rpc/FrontEnd/QueryScoreByGame HTTP/1.1\r\n" + here +
                              "Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                              "Content-Length: 12\r\n\r\n{\"game\":\"a\"}"),
            "200 OK"));
}

TEST(http_session, an_allowed_sites_page_is_shown_its_answers) {
    runtime threads{1};
    server one{threads, "frontend", {}};
    one.context().origins = origin_policy({}, {"https://board.example"});
    const auto address = one.listen("127.0.0.1", 0).value();
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    const std::string shown = "Access-Control-Allow-Origin: https://board.example\r\n";
    const auto cross_site =
        get(port, "/livez", "Origin: https://board.example\r\nSec-Fetch-Site: cross-site\r\n");
    EXPECT_TRUE(has(cross_site, "HTTP/1.1 200 ") && has(cross_site, shown)) << cross_site;
    EXPECT_FALSE(has(get(port, "/livez", "Origin: http://localhost:" + std::to_string(port) + "\r\n"),
                     "Access-Control"));
    EXPECT_FALSE(has(get(port, "/livez", "Origin: https://evil.example\r\n"), "Access-Control"));
    const auto preflight =
        raw(port, "OPTIONS /v1/games/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: "
                  "https://board.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n");
    EXPECT_TRUE(has(preflight, "HTTP/1.1 204 ") && has(preflight, shown) && has(preflight, "PUT"))
        << preflight;
    one.drain(0ms);
    threads.stop();
}

TEST(http_session, lax_json_is_refused) {
    served one;
    const auto call = [&](const std::string& body) {
        return raw(one.port,
                   "POST /rpc/FrontEnd/QueryScoreByGame HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                   "Content-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body);
    };
    for (const auto* body :
         {R"({"game":"a","game":"b"})", R"({'game':'a'})", R"({game:"a"})", R"({"game":"a",})",
          R"({"game":"a"} x)", R"({"game":"\ud800"})", "{\"game\":\"\xff\"}"})
        EXPECT_TRUE(has(call(body), "HTTP/1.1 400 ")) << body;
    EXPECT_TRUE(has(call(R"({"game":"a","game":"b"})"), "the key 'game' is there twice"));
}

TEST(http_session, a_streaming_rpc_is_ndjson) {
    served one;
    raw_client client(one.port);
    client.send("POST /rpc/FrontEnd/Subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
    ASSERT_TRUE(eventually([&] { return one.deferred() == 1; }));
    one.release([](pending_call& call) {
        v1::Event event;
        event.set_topic("games/hockey");
        call.event(event.SerializeAsString());
        call.reply("", "");
    });
    const auto answer = client.rest();
    EXPECT_TRUE(has(answer, "application/x-ndjson"));
    EXPECT_TRUE(has(answer, "\"topic\":\"games/hockey\""));
    EXPECT_TRUE(has(answer, "\r\n0\r\n\r\n"));
}

TEST(http_session, bearer_tokens_buy_roles) {
    const auto access = access_policy::from_text("operator spanner\n", "tokens");
    served one({}, *access);
    EXPECT_TRUE(has(get(one.port, "/status"), "401"));
    EXPECT_TRUE(has(get(one.port, "/status", "Authorization: Bearer wrong\r\n"), "401"));
    EXPECT_TRUE(has(get(one.port, "/status", "Authorization: Basic eA==\r\n"), "401"));
    EXPECT_TRUE(has(get(one.port, "/status", "Authorization: Bearer spanner\r\n"), "200 OK"));
    EXPECT_TRUE(has(get(one.port, "/livez"), "200 OK"));
}

} // namespace
} // namespace stadion::net
