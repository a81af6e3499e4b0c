#include "net/rpc/access.hpp"
#include "wire/constant_time.hpp"

#include <gtest/gtest.h>

namespace stadion::net {
namespace {

TEST(access_policy, without_tokens_every_role_is_open_and_only_loopback_is_served) {
    const access_policy open;
    EXPECT_TRUE(access_policy::check(*open.authenticate(""), roles(role::scorer), "x"));
    EXPECT_TRUE(open.check_bind(boost::asio::ip::make_address("127.0.0.1")));
    EXPECT_TRUE(open.check_bind(boost::asio::ip::make_address("::1")));
    const auto refused = open.check_bind(boost::asio::ip::make_address("0.0.0.0"));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("--token-file"), std::string::npos);
}

TEST(access_policy, a_token_has_its_role_and_no_other) {
    const auto policy = access_policy::from_text("# people\nscorer a\n\nscorer b\noperator c\n", "f");
    ASSERT_TRUE(policy);
    const auto b = policy->authenticate("b");
    ASSERT_TRUE(b);
    EXPECT_TRUE(access_policy::check(*b, roles(role::scorer), "writing"));
    const auto refused = access_policy::check(*b, role::operator_ | role::server, "stopping");
    EXPECT_EQ(refused.error().code, wire::status::permission_denied);
    EXPECT_EQ(refused.error().message,
              "stopping needs the role operator or server; show a token that has it");
    EXPECT_EQ(policy->authenticate("d").error().code, wire::status::unauthenticated);
    EXPECT_EQ(*policy->authenticate(""), anyone);
    EXPECT_TRUE(policy->check_bind(boost::asio::ip::make_address("0.0.0.0")));
    EXPECT_EQ(policy->own_token(role::operator_), "c");
}

TEST(access_policy, a_bad_file_is_refused_with_its_line) {
    EXPECT_EQ(access_policy::from_text("scorer a\nking b\n", "f").error().message,
              "f:2: unknown role 'king' (scorer, operator or server)");
    EXPECT_EQ(access_policy::from_text("scorer\n", "f").error().message, "f:1: a line is `role token`");
    EXPECT_FALSE(access_policy::from_text("# none\n", "f"));
    EXPECT_FALSE(access_policy::from_file("/nonexistent/tokens"));
}

TEST(access_policy, comparison_looks_at_every_byte) {
    EXPECT_TRUE(wire::equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(wire::equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(wire::equal_in_constant_time("abc", "abcabc"));
    EXPECT_FALSE(wire::equal_in_constant_time("", "a"));
    EXPECT_TRUE(wire::equal_in_constant_time("", ""));
}

} // namespace
} // namespace stadion::net
