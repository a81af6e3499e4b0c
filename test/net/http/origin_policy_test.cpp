#include "net/http/origin_policy.hpp"

#include <gtest/gtest.h>

namespace stadion::net {
namespace {

struct asked {
    std::string host;
    std::string origin;
    std::string site; // Sec-Fetch-Site
    std::string mode; // Sec-Fetch-Mode, with the destination `document`
    http_method method = http_method::post;
};

// The HTTP status of the refusal; 0 when the request is allowed.
unsigned refusal(const origin_policy& policy, const asked& what) {
    http_request request;
    request.method = what.method;
    request.headers.emplace_back("host", what.host);
    if (!what.origin.empty()) request.headers.emplace_back("origin", what.origin);
    if (!what.site.empty()) request.headers.emplace_back("sec-fetch-site", what.site);
    if (!what.mode.empty()) {
        request.headers.emplace_back("sec-fetch-mode", what.mode);
        request.headers.emplace_back("sec-fetch-dest", "document");
    }
    const auto outcome = policy.check(request);
    return outcome ? 0 : static_cast<unsigned>(std::stoul(outcome.error().details.at("http_status")));
}

origin_policy bound(std::string_view host, std::vector<std::string> hosts = {},
                    std::vector<std::string> origins = {}) {
    origin_policy policy(std::move(hosts), std::move(origins));
    policy.bound_to(host, 7400);
    return policy;
}

TEST(origin_policy, the_host_is_one_of_ours) {
    const auto loopback = bound("127.0.0.1"), machine = bound("192.0.2.7"), name = bound("scores.lan"),
               all = bound("0.0.0.0"), proxied = bound("127.0.0.1", {"Live.Example", "203.0.113.9"}),
               any = bound("127.0.0.1", {"*"});
    const struct {
        const origin_policy& policy;
        std::string host;
        unsigned refusal;
    } table[]{
        {loopback, "127.0.0.1:7400", 0},
        {loopback, "127.0.0.1", 0},
        {loopback, "localhost:7400", 0},
        {loopback, "LocalHost", 0},
        {loopback, "[::1]:7400", 0},
        {loopback, "127.0.0.2:1", 0},
        {loopback, "evil.example", 421},
        {loopback, "evil.example:7400", 421},
        {loopback, "localhost.evil.example:7400", 421},
        {loopback, "127.0.0.1.evil.example", 421},
        {loopback, "192.0.2.7:7400", 421},
        {loopback, "", 421},
        {loopback, "localhost:", 421},
        {loopback, "localhost:x", 421},
        {loopback, "a@localhost", 421},
        {loopback, "localhost/", 421},
        {loopback, "[localhost]", 421},
        {loopback, "[::1", 421},
        {loopback, "localhost, evil.example", 421},
        {machine, "192.0.2.7:7400", 0},
        {machine, "192.0.2.8:7400", 421},
        {machine, "localhost:7400", 0},
        {name, "scores.lan:7400", 0},
        {name, "SCORES.lan", 0},
        {name, "other.lan", 421},
        {all, "198.51.100.3:7400", 0},
        {all, "[2001:db8::1]:7400", 0},
        {all, "evil.example", 421},
        {proxied, "live.example", 0},
        {proxied, "203.0.113.9:80", 0},
        {proxied, "evil.example", 421},
        {any, "evil.example", 0},
    };
    for (const auto& row : table)
        EXPECT_EQ(refusal(row.policy, {row.host, "", "", ""}), row.refusal) << row.host;
}

TEST(origin_policy, a_page_is_ours_or_allowed) {
    const auto own = bound("127.0.0.1"), all = bound("0.0.0.0"), any = bound("127.0.0.1", {}, {"*"}),
               some = bound("127.0.0.1", {"live.example"},
                            {"https://Board.example", "http://wall.example:8080"});
    const struct {
        const origin_policy& policy;
        std::string host, origin;
        unsigned refusal;
    } table[]{
        {own, "127.0.0.1:7400", "http://127.0.0.1:7400", 0},
        {own, "127.0.0.1:7400", "http://localhost:7400", 0},
        {own, "localhost:9000", "http://localhost:9000", 0}, // forwarded to us
        {own, "127.0.0.1:7400", "http://localhost:3000", 403},
        {own, "127.0.0.1:7400", "http://127.0.0.1", 403},
        {own, "127.0.0.1:7400", "http://evil.example", 403},
        {own, "127.0.0.1:7400", "http://evil.example:7400", 403},
        {own, "127.0.0.1:7400", "http://127.0.0.1:7400.evil.example", 403},
        {own, "127.0.0.1:7400", "null", 403},
        {own, "127.0.0.1:7400", "file://", 403},
        {own, "127.0.0.1:7400", "127.0.0.1:7400", 403},
        {own, "127.0.0.1:7400", "http://127.0.0.1:7400, http://evil.example", 403},
        {all, "192.0.2.7:7400", "http://192.0.2.7:7400", 0},
        {all, "192.0.2.7:7400", "http://198.51.100.3:7400", 403},
        {some, "live.example", "https://live.example", 0},
        {some, "127.0.0.1:7400", "https://board.example", 0},
        {some, "127.0.0.1:7400", "http://board.example", 403},
        {some, "127.0.0.1:7400", "http://wall.example:8080", 0},
        {some, "127.0.0.1:7400", "http://wall.example", 403},
        {any, "127.0.0.1:7400", "null", 0},
    };
    for (const auto& row : table)
        EXPECT_EQ(refusal(row.policy, {row.host, row.origin, "", ""}), row.refusal)
            << row.host << ' ' << row.origin;
}

TEST(origin_policy, a_browser_says_who_makes_it_ask) {
    const auto policy = bound("127.0.0.1", {}, {"https://board.example"});
    const std::string host = "127.0.0.1:7400";
    const struct {
        asked what;
        unsigned refusal;
    } table[]{
        {{host, "", "none", ""}, 0},
        {{host, "", "same-origin", ""}, 0},
        {{host, "", "cross-site", ""}, 403},
        {{host, "", "same-site", ""}, 403},
        {{host, "", "something-new", ""}, 403},
        {{host, "", "cross-site", "", http_method::get}, 403},
        {{host, "https://board.example", "cross-site", ""}, 0},
        {{host, "http://localhost:7400", "cross-site", ""}, 0},         // another name of ours
        {{host, "", "cross-site", "navigate", http_method::get}, 0},    // a followed link
        {{host, "", "cross-site", "navigate", http_method::post}, 403}, // a form
        {{host, "", "cross-site", "no-cors", http_method::get}, 403},
        {{host, "http://evil.example", "none", ""}, 403},
    };
    for (const auto& row : table)
        EXPECT_EQ(refusal(policy, row.what), row.refusal)
            << row.what.origin << ' ' << row.what.site << ' ' << row.what.mode;
}

TEST(origin_policy, one_of_two_origins_is_enough_to_refuse) {
    const auto policy = bound("127.0.0.1");
    http_request request;
    request.headers = {
        {"host", "localhost"}, {"origin", "http://localhost:7400"}, {"origin", "http://evil.example"}};
    EXPECT_FALSE(policy.check(request));
    request.headers = {{"host", "localhost"}, {"sec-fetch-site", "none"}, {"sec-fetch-site", "cross-site"}};
    EXPECT_FALSE(policy.check(request));
}

TEST(origin_policy, a_setting_that_can_be_none_is_named) {
    EXPECT_TRUE(origin_policy({"a.example", "*", "::1", "[::1]"}, {"https://b.example:1", "null"}).verify());
    const auto host = origin_policy({"a.example:80"}, {}).verify();
    ASSERT_FALSE(host);
    EXPECT_NE(host.error().message.find("'a.example:80'"), std::string::npos);
    for (const auto* origin : {"b.example", "https://b.example/path", "https://", "ftp://b.example"})
        EXPECT_FALSE(origin_policy({}, {origin}).verify()) << origin;
}

} // namespace
} // namespace stadion::net
