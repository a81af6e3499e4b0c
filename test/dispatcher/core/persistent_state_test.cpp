#include "dispatcher/core/persistent_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace stadion::dispatcher {
namespace {

persistent_state example() {
    persistent_state state;
    state.starts = 3;
    state.lock.epoch = std::numeric_limits<std::uint64_t>::max();
    state.lock.leader = 2;
    state.next_server_id = 6;
    state.ring_key = 9213046581190471332U;
    state.ring = {9, 5, {{2, 7}, {5, 9}}};
    state.children = {{"dbserver", "127.0.0.1:7500", 4710, 98120},
                      {"frontend", "[::1]:7401", 4711, 98127, "[::1]:7400"}};
    state.writer = {1, 3, std::numeric_limits<std::uint64_t>::max() - 1, 4242};
    return state;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    const auto place = text.find(what);
    EXPECT_NE(place, std::string::npos) << what;
    return text.replace(place, what.size(), with);
}

TEST(PersistentState, ReadsWhatItWrote) {
    const auto read = decode_state(encode(example()));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, example());
}

TEST(PersistentState, ReadsThatOfADispatcherThatNeverRan) {
    const auto read = decode_state(encode(persistent_state{}));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, persistent_state{});
}

TEST(PersistentState, IsForPeopleToRead) {
    persistent_state state;
    state.starts = 1;
    state.lock.epoch = 17;
    state.next_server_id = 2;
    state.ring.last_id = 1;
    EXPECT_EQ(encode(state),
              "{\n  \"format\": 1,\n  \"starts\": 1,\n  \"epoch\": 17,\n  \"leader\": 0,\n"
              "  \"next_server_id\": 2,\n  \"writer\": {\n    \"server_id\": 0,\n    \"epoch\": 0,\n    "
              "\"board\": 0,\n"
              "    \"sequence\": 0\n  },\n  \"ring_key\": 0,\n  \"ring\": {\n    \"number\": 0,\n    "
              "\"servers\": []\n  },\n  "
              "\"children\": []\n}\n");
}

TEST(PersistentState, OneOfBeforeThereWasOneWriterKnowsOfNone) {
    const auto read = decode_state("{\"format\": 1, \"starts\": 1, \"epoch\": 1, \"leader\": 0, "
                                   "\"next_server_id\": 1, \"ring\": {\"number\": 0, \"servers\": []}, "
                                   "\"children\": []}");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->writer, writer_record{});
}

TEST(PersistentState, AnyTruncationIsRefused) {
    const std::string whole = encode(example());
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
        const auto read = decode_state(std::string_view(whole).substr(0, size));
        ASSERT_FALSE(read) << size;
        EXPECT_EQ(read.error().code, wire::status::data_loss);
    }
}

TEST(PersistentState, NamesTheDamagedField) {
    const std::string whole = encode(example());
    const std::pair<std::string, const char*> damaged[] = {
        {replaced(whole, "\"starts\": 3", "\"starts\": -3"), "starts"},
        {replaced(whole, "\"starts\": 3", "\"starts\": 4294967296"), "starts"},
        {replaced(whole, "18446744073709551615", "\"17\""), "epoch"},
        {replaced(whole, "18446744073709551615", "1.5"), "epoch"},
        {replaced(whole, "\"epoch\"", "\"epic\""), "epoch"},
        {replaced(whole, "\"next_server_id\": 6", "\"next_server_id\": 0"), "next_server_id"},
        {replaced(whole, "\"children\"", "\"heirs\""), "children"},
        {replaced(whole, "4242", "-1"), "writer.sequence"},
        {replaced(whole, "\"board\"", "\"plank\""), "writer.board"},
        {replaced(whole, "\"ring\"", "\"rung\""), "ring"},
        {replaced(whole, "\"number\": 9", "\"number\": -9"), "ring.number"},
        {replaced(whole, "\"incarnation\": 9", "\"incarnation\": \"9\""), "ring.servers[1].incarnation"},
        {replaced(whole, "4711", "null"), "children[1].pid"},
        {replaced(whole, "\"dbserver\"", "7"), "children[0].kind"},
        {"{\"format\": 1, \"starts\": 1, \"epoch\": 1, \"leader\": 0, \"next_server_id\": 1, "
         "\"ring\": {\"number\": 0, \"servers\": []}, \"children\": [7]}",
         "children[0]"},
        {"[]", "not a JSON object"},
    };
    for (const auto& [text, field] : damaged) {
        const auto read = decode_state(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, wire::status::data_loss);
        EXPECT_THAT(read.error().message, testing::HasSubstr(field));
    }
}

TEST(PersistentState, RefusesANewerFormatAndIgnoresUnknownFields) {
    const auto newer = decode_state(replaced(encode(example()), "\"format\": 1", "\"format\": 2"));
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().code, wire::status::failed_precondition);
    const auto extended =
        decode_state(replaced(encode(example()), "\"format\": 1", "\"format\": 1, \"new\": []"));
    ASSERT_TRUE(extended);
    EXPECT_EQ(*extended, example());
}

} // namespace
} // namespace stadion::dispatcher
