#include "wire/strict_json.hpp"

#include "wire/json.hpp"
#include "wire/proto/dispatcher.pb.h"
#include "wire/proto/frontend.pb.h"

#include <gtest/gtest.h>

namespace stadion::wire {
namespace {

std::string nested(int levels) {
    return std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']');
}

TEST(strict_json, takes_what_is_json) {
    const std::string good[]{"{}",
                             " [ ] ",
                             "0",
                             "-0.5e+3",
                             "1E9",
                             "true",
                             "null",
                             R"("")",
                             R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]})",
                             R"(["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"])",
                             "\"\xf0\x9f\x98\x80\"",
                             "\t{\r\n\"a\" : [1 , 2]}\n",
                             nested(32)};
    for (const auto& text : good) {
        const auto outcome = check_json(text);
        EXPECT_TRUE(outcome) << text << ": " << outcome.error().message;
    }
}

TEST(strict_json, refuses_everything_else_and_says_why) {
    const struct {
        std::string text, why;
    } bad[]{
        {"", "value is missing"},
        {"{", "key in double quotes"},
        {"[1,]", "value is missing"},
        {R"({"a":1,})", "key in double quotes"},
        {"{'a':1}", "key in double quotes"},
        {"{a:1}", "key in double quotes"},
        {R"({"a" 1})", "colon"},
        {R"({"a":1} x)", "something follows"},
        {R"({"a":1}{})", "something follows"},
        {R"([1 2])", "comma or a closing bracket"},
        {R"([1})", "comma or a closing bracket"},
        {R"({"a":1])", "comma or a closing bracket"},
        {"// c\n{}", "value is missing"},
        {"{}/* c */", "something follows"},
        {"NaN", "value is missing"},
        {"-Infinity", "number is incomplete"},
        {"01", "begins with 0"},
        {"1.", "number is incomplete"},
        {".5", "value is missing"},
        {"1e", "number is incomplete"},
        {"+1", "value is missing"},
        {"0x10", "something follows"},
        {"True", "value is missing"},
        {"\"a\nb\"", "control character"},
        {R"("\x41")", "no such escape"},
        {R"("\u12g4")", "four hexadecimal"},
        {R"("\ud800")", "half a surrogate"},
        {R"("\ud800\u0041")", "half a surrogate"},
        {R"("\udc00")", "half a surrogate"},
        {"\"\xff\"", "not UTF-8"},
        {"\"\xed\xa0\x80\"", "not UTF-8"},
        {"\xef\xbb\xbf{}", "value is missing"},
        {R"("open)", "does not end"},
        {std::string("{}\0", 3), "something follows"},
        {nested(33), "deeper than 32"},
        {R"({"a":1,"b":2,"a":3})", "'a' is there twice"},
        {R"({"a":1,"\u0061":2})", "'a' is there twice"},
        {R"([{"x":{"b":1,"b":1}}])", "'b' is there twice"},
    };
    for (const auto& [text, why] : bad) {
        const auto outcome = check_json(text);
        ASSERT_FALSE(outcome) << text;
        EXPECT_NE(outcome.error().message.find(why), std::string::npos)
            << text << ": " << outcome.error().message;
        EXPECT_EQ(outcome.error().code, status::invalid_argument);
    }
}

TEST(strict_json, a_hundred_thousand_levels_cost_nothing) {
    EXPECT_FALSE(check_json(std::string(100'000, '[')));
}

TEST(json, messages_are_read_strictly) {
    const auto refused = [](std::string_view text) {
        v1::UpdateScoreByGameRequest message;
        const auto outcome = from_json(text, message);
        return outcome ? std::string() : outcome.error().message;
    };
    EXPECT_EQ(refused(R"({"game":"a","points":{"x":1,"y_z":2,"yZ":3}})"), "");
    EXPECT_EQ(refused(" \n"), "");
    EXPECT_NE(refused(R"({"game":"a","points":{"x":1,"x":2}})").find("'x' is there twice"),
              std::string::npos);
    EXPECT_NE(refused(R"({"game":"a","game":"b"})").find("twice"), std::string::npos);
    for (const auto* lax :
         {"{game:'a'}", "{'game':'a'}", R"({"game":"a",})", R"({"game":"a"}})", R"({"gaem":"a"})"})
        EXPECT_NE(refused(lax), "") << lax;
}

TEST(json, a_field_by_both_its_names_is_there_twice) {
    v1::GetLeaderElectionLockRequest message;
    EXPECT_TRUE(from_json(R"({"serverId":3})", message));
    const auto outcome = from_json(R"({"serverId":3,"server_id":4})", message);
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().message.find("'server_id' is there twice"), std::string::npos);
}

} // namespace
} // namespace stadion::wire
