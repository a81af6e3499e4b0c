// Lines of the journal and the history, and the JSON they are made of.
#include "dbserver/table/operation.hpp"

#include <gtest/gtest.h>

namespace stadion::dbserver {
namespace {

TEST(line, says_all_of_an_update_and_is_read_back) {
    v1::Mutation mutation;
    mutation.set_idempotency_key("k\"1");
    mutation.set_expect_version(4);
    auto& update = *mutation.mutable_update_score();
    update.set_game("a\\b");
    update.set_title("line\nbreak \x01 \x7f");
    update.set_status(v1::Score::PROTESTED);
    (*update.mutable_points())["Z"] = -2147483648;
    (*update.mutable_points())["A"] = 2147483647;
    operation what;
    ASSERT_FALSE(read_mutation(mutation, {}, what));
    std::string text;
    append_line_head(text, 9, 1'700'000'000'000'001, 5);
    append_line_body(text, what);

    json_reader in(text);
    line read;
    ASSERT_TRUE(read_line(in, read)) << text;
    EXPECT_EQ(read.sequence, 9u);
    EXPECT_EQ(read.at_us, 1'700'000'000'000'001);
    EXPECT_EQ(read.version, 5u);
    EXPECT_EQ(read.op.name, "a\\b");
    EXPECT_EQ(read.op.title, "line\nbreak \x01 \x7f");
    EXPECT_EQ(read.op.status, v1::Score::PROTESTED);
    EXPECT_EQ(read.op.points, what.points);
    EXPECT_EQ(read.op.expect_version, 4u);
    EXPECT_EQ(read.op.key, "k\"1");
    EXPECT_EQ(read.op.hash, what.hash);
}

TEST(line, of_anything_else_is_not_read) {
    for (const char* text :
         {"", "{}", "{", R"({"op":"fly","game":"g"})", R"({"op":"update_score","game":"g","more":1})",
          R"({"op":"update_score","game":"g"} x)",
          R"({"op":"update_score","game":"g","points":{"A":1.5}})"}) {
        json_reader in(text);
        line read;
        EXPECT_FALSE(read_line(in, read)) << text;
    }
}

TEST(request_hash, tells_requests_apart_and_not_the_order_of_points) {
    const auto hash = [](const v1::Mutation& mutation) {
        operation what;
        EXPECT_FALSE(read_mutation(mutation, {}, what));
        return what.hash;
    };
    v1::Mutation one;
    one.set_idempotency_key("k");
    one.mutable_update_score()->set_game("g");
    (*one.mutable_update_score()->mutable_points())["A"] = 1;
    (*one.mutable_update_score()->mutable_points())["B"] = 2;
    v1::Mutation same = one;
    same.mutable_update_score()->clear_points();
    (*same.mutable_update_score()->mutable_points())["B"] = 2;
    (*same.mutable_update_score()->mutable_points())["A"] = 1;
    EXPECT_EQ(hash(one), hash(same));
    (*same.mutable_update_score()->mutable_points())["A"] = 3;
    EXPECT_NE(hash(one), hash(same));
    v1::Mutation expecting = one;
    expecting.set_expect_version(1);
    EXPECT_NE(hash(one), hash(expecting));
}

TEST(json_reader, reads_escapes_and_refuses_broken_ones) {
    EXPECT_EQ(json_reader(R"("\u00e9\ud83c\udfc6\n")").string(), "é🏆\n");
    for (const char* text : {R"("\ud83c")", R"("\udfc6")", R"("\x")", R"("abc)", "\"a\nb\""}) {
        json_reader in(text);
        in.string();
        EXPECT_FALSE(in.ok()) << text;
    }
}

TEST(json_reader, reads_seconds_to_the_microsecond) {
    EXPECT_EQ(json_reader("1700000000.000001").seconds(), 1'700'000'000'000'001);
    EXPECT_EQ(json_reader("12").seconds(), 12'000'000);
    std::string text;
    append_json_seconds(text, 1'700'000'000'000'001);
    EXPECT_EQ(text, "1700000000.000001");
}

} // namespace
} // namespace stadion::dbserver
