#include "dispatcher/core/memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace stadion::dispatcher {
namespace {

memory example() {
    memory remembered;
    remembered.starts = 3;
    remembered.lock.epoch = std::numeric_limits<std::uint64_t>::max();
    remembered.lock.leader = 2;
    remembered.next_server_id = 6;
    remembered.ring_key = 9213046581190471332U;
    remembered.ring = {9, 5, {{2, 7}, {5, 9}}};
    remembered.children = {{"dbserver", "127.0.0.1:7500", 4710, 98120},
                           {"frontend", "[::1]:7401", 4711, 98127, "[::1]:7400"}};
    remembered.writer = {1, 3, std::numeric_limits<std::uint64_t>::max() - 1, 4242};
    return remembered;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    const auto place = text.find(what);
    EXPECT_NE(place, std::string::npos) << what;
    return text.replace(place, what.size(), with);
}

TEST(Memory, ReadsWhatItWrote) {
    const auto read = decode_memory(encode(example()));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, example());
}

TEST(Memory, ReadsThatOfADispatcherThatNeverRan) {
    const auto read = decode_memory(encode(memory{}));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, memory{});
}

TEST(Memory, IsForPeopleToRead) {
    memory remembered;
    remembered.starts = 1;
    remembered.lock.epoch = 17;
    remembered.next_server_id = 2;
    remembered.ring.last_id = 1;
    EXPECT_EQ(encode(remembered),
              "{\n  \"format\": 1,\n  \"starts\": 1,\n  \"epoch\": 17,\n  \"leader\": 0,\n"
              "  \"next_server_id\": 2,\n  \"writer\": {\n    \"server_id\": 0,\n    \"epoch\": 0,\n    "
              "\"board\": 0,\n"
              "    \"sequence\": 0\n  },\n  \"ring_key\": 0,\n  \"ring\": {\n    \"number\": 0,\n    "
              "\"servers\": []\n  },\n  "
              "\"children\": []\n}\n");
}

TEST(Memory, OneOfBeforeThereWasOneWriterKnowsOfNone) {
    const auto read = decode_memory("{\"format\": 1, \"starts\": 1, \"epoch\": 1, \"leader\": 0, "
                                    "\"next_server_id\": 1, \"ring\": {\"number\": 0, \"servers\": []}, "
                                    "\"children\": []}");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->writer, writer_record{});
}

TEST(Memory, AnyTruncationIsRefused) {
    const std::string whole = encode(example());
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
        const auto read = decode_memory(std::string_view(whole).substr(0, size));
        ASSERT_FALSE(read) << size;
        EXPECT_EQ(read.error().code, wire::status::data_loss);
    }
}

TEST(Memory, NamesTheDamagedField) {
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
        const auto read = decode_memory(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, wire::status::data_loss);
        EXPECT_THAT(read.error().message, testing::HasSubstr(field));
    }
}

TEST(Memory, RefusesANewerFormatAndIgnoresUnknownFields) {
    const auto newer = decode_memory(replaced(encode(example()), "\"format\": 1", "\"format\": 2"));
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().code, wire::status::failed_precondition);
    const auto extended =
        decode_memory(replaced(encode(example()), "\"format\": 1", "\"format\": 1, \"new\": []"));
    ASSERT_TRUE(extended);
    EXPECT_EQ(*extended, example());
}

} // namespace
} // namespace stadion::dispatcher
