#include "net/session/http_router.hpp"

#include <gmock/gmock.h>

namespace stadion::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class an_http_router : public testing::Test {
protected:
    void add(http_method method, std::string_view pattern, role_set need = anyone) {
        router_.on_exchange(method, pattern, need,
                            [](http_request&&, const std::shared_ptr<http_exchange>&) {});
    }

    // What the session makes of a request line, and the route found for it.
    struct outcome {
        http_router::match match;
        http_request request;

        std::string pattern() const { return match.found == nullptr ? "none" : match.found->pattern; }
    };
    outcome find(http_method method, const std::string& target) const {
        outcome found;
        found.request.method = method;
        found.request.target = target;
        found.request.path = percent_decode(target.substr(0, target.find('?')), false).value_or("");
        found.match = router_.find(found.request);
        return found;
    }

    http_router router_;
};

TEST_F(an_http_router, finds_a_route_by_method_and_path) {
    add(http_method::get, "/v1/games");
    add(http_method::post, "/v1/games", roles(role::scorer));
    add(http_method::get, "/v1/teams");
    const auto found = find(http_method::post, "/v1/games");
    ASSERT_NE(found.match.found, nullptr);
    EXPECT_EQ(found.match.found->method, http_method::post);
    EXPECT_EQ(found.match.found->need, roles(role::scorer));
    EXPECT_EQ(find(http_method::get, "/v1/teams").pattern(), "/v1/teams");
}

TEST_F(an_http_router, knows_only_whole_paths) {
    add(http_method::get, "/v1/games");
    add(http_method::get, "/v1/games/{game}/history");
    for (const auto* target : {"/", "/v1", "/v1/game", "/v1/games/", "/v1/games/hockey", "/v1/games/hockey/",
                               "/v1/games/hockey/history/1", "/V1/games", "//v1/games"}) {
        const auto found = find(http_method::get, target);
        EXPECT_EQ(found.pattern(), "none") << target;
        EXPECT_THAT(found.match.allowed, IsEmpty()) << target;
    }
}

TEST_F(an_http_router, captures_the_decoded_segments_in_their_order) {
    add(http_method::get, "/v1/{kind}/{name}/history");
    const auto found = find(http_method::get, "/v1/games/100%20m%3F/history");
    EXPECT_EQ(found.pattern(), "/v1/{kind}/{name}/history");
    EXPECT_THAT(found.request.captures, ElementsAre("games", "100 m?"));
}

TEST_F(an_http_router, takes_an_escaped_slash_for_a_part_of_the_name) {
    add(http_method::get, "/v1/games/{game}/{part}");
    add(http_method::get, "/v1/games/{game}");
    const auto found = find(http_method::get, "/v1/games/4x100%2Fmen");
    EXPECT_EQ(found.pattern(), "/v1/games/{game}");
    EXPECT_THAT(found.request.captures, ElementsAre("4x100/men"));
}

TEST_F(an_http_router, captures_no_empty_or_malformed_name) {
    add(http_method::get, "/v1/games/{game}");
    for (const auto* target :
         {"/v1/games/", "/v1/games/%", "/v1/games/%4", "/v1/games/%zz", "/v1/games/a%00b"})
        EXPECT_EQ(find(http_method::get, target).pattern(), "none") << target;
}

TEST_F(an_http_router, does_not_look_at_the_query) {
    add(http_method::get, "/v1/games");
    add(http_method::get, "/v1/games/{game}");
    EXPECT_EQ(find(http_method::get, "/v1/games?after=/a/b").pattern(), "/v1/games");
    const auto found = find(http_method::get, "/v1/games/hockey?after=/a/b");
    EXPECT_EQ(found.pattern(), "/v1/games/{game}");
    EXPECT_THAT(found.request.captures, ElementsAre("hockey"));
}

TEST_F(an_http_router, prefers_a_path_without_captures_whatever_was_added_first) {
    add(http_method::get, "/v1/games/{game}");
    add(http_method::get, "/v1/games/finals");
    EXPECT_EQ(find(http_method::get, "/v1/games/finals").pattern(), "/v1/games/finals");
    EXPECT_EQ(find(http_method::get, "/v1/games/final").pattern(), "/v1/games/{game}");
}

TEST_F(an_http_router, prefers_among_captures_what_was_added_first) {
    add(http_method::get, "/files/{name}");
    add(http_method::get, "/files/{*}");
    EXPECT_EQ(find(http_method::get, "/files/a").pattern(), "/files/{name}");
    EXPECT_EQ(find(http_method::get, "/files/a/b/c").pattern(), "/files/{*}");
    EXPECT_EQ(find(http_method::get, "/file/a").pattern(), "none");
}

TEST_F(an_http_router, answers_head_by_the_route_for_get_and_by_no_other) {
    add(http_method::post, "/v1/games");
    EXPECT_EQ(find(http_method::head, "/v1/games").pattern(), "none");
    add(http_method::get, "/v1/games");
    const auto found = find(http_method::head, "/v1/games");
    ASSERT_NE(found.match.found, nullptr);
    EXPECT_EQ(found.match.found->method, http_method::get);
}

TEST_F(an_http_router, lists_the_methods_of_a_path_that_lacks_the_one_asked_for) {
    add(http_method::get, "/v1/state");
    add(http_method::put, "/v1/state");
    add(http_method::get, "/v1/games/{game}");
    add(http_method::put, "/v1/games/{other_name}");
    for (const auto* target : {"/v1/state", "/v1/games/hockey"}) {
        const auto found = find(http_method::delete_, target);
        EXPECT_EQ(found.match.found, nullptr) << target;
        EXPECT_THAT(found.match.allowed, ElementsAre(http_method::get, http_method::put)) << target;
    }
}

} // namespace
} // namespace stadion::net
