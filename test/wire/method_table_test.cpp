#include "wire/method_table.hpp"

#include "wire/proto/options.pb.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace stadion::wire {
namespace {

namespace pb = google::protobuf;

struct expectation {
    std::uint16_t number;
    std::string_view service;
    std::string_view name;
    bool streaming = false;
};

// Written from the table in the interface specification.
constexpr expectation expectations[] = {
    {0x0001, "Introspection", "Describe"},
    {0x0002, "Introspection", "Health"},
    {0x0101, "Dispatcher", "Assign"},
    {0x0102, "Dispatcher", "Join"},
    {0x0103, "Dispatcher", "Heartbeat"},
    {0x0104, "Dispatcher", "Leave"},
    {0x0105, "Dispatcher", "GetAllServers"},
    {0x0106, "Dispatcher", "GetAllFrontEndServers"},
    {0x0107, "Dispatcher", "GetLeaderElectionLock"},
    {0x0108, "Dispatcher", "ReleaseLeaderElectionLock"},
    {0x0109, "Dispatcher", "WatchView", true},
    {0x0201, "FrontEnd", "RegisterClient"},
    {0x0202, "FrontEnd", "UnregisterClient"},
    {0x0203, "FrontEnd", "QueryScoreByGame"},
    {0x0204, "FrontEnd", "QueryMedalTallyByTeam"},
    {0x0205, "FrontEnd", "UpdateScoreByGame"},
    {0x0206, "FrontEnd", "IncrementMedalTally"},
    {0x0207, "FrontEnd", "Subscribe", true},
    {0x0208, "FrontEnd", "ListGames"},
    {0x0209, "FrontEnd", "ListTeams"},
    {0x0301, "Database", "QueryScoreByGame"},
    {0x0302, "Database", "QueryMedalTallyByTeam"},
    {0x0303, "Database", "UpdateScoreByGame"},
    {0x0304, "Database", "IncrementMedalTally"},
    {0x0305, "Database", "Commit"},
    {0x0306, "Database", "Watch", true},
    {0x0307, "Database", "BeginSession"},
    {0x0401, "Peer", "NewElection"},
    {0x0402, "Peer", "PassElection"},
    {0x0403, "Peer", "CoordinatorMessage"},
    {0x0404, "Peer", "GetClock"},
    {0x0405, "Peer", "AdjustClock"},
    {0x0406, "Peer", "Order"},
    {0x0501, "Social", "Follow"},
    {0x0502, "Social", "Unfollow"},
    {0x0503, "Social", "List"},
    {0x0504, "Social", "Post"},
    {0x0505, "Social", "Timeline", true},
    {0x0601, "Questions", "Ask"},
    {0x0602, "Questions", "Answer"},
    {0x0603, "Questions", "Comment"},
    {0x0604, "Questions", "GetQuestion"},
    {0x0605, "Questions", "ListQuestions"},
    {0x0606, "Questions", "Vote"},
    {0x0701, "Raffle", "GetRaffle"},
};

// A file with two methods of the numbers given.
std::unique_ptr<pb::DescriptorPool> pool_with_two_methods(std::uint32_t first, std::uint32_t second) {
    pb::FileDescriptorProto file;
    file.set_name("two.proto");
    file.set_package("two");
    file.add_message_type()->set_name("Empty");
    auto* service = file.add_service();
    service->set_name("Two");
    std::uint32_t numbers[] = {first, second};
    for (int i = 0; i < 2; ++i) {
        auto* method = service->add_method();
        method->set_name("Method" + std::to_string(i));
        method->set_input_type(".two.Empty");
        method->set_output_type(".two.Empty");
        method->mutable_options()->SetExtension(v1::method, numbers[i]);
    }
    auto pool = std::make_unique<pb::DescriptorPool>();
    EXPECT_NE(pool->BuildFile(file), nullptr);
    return pool;
}

TEST(method_table, holds_every_specified_method_under_its_number) {
    for (const auto& expected : expectations) {
        const auto* found = methods().find(expected.number);
        ASSERT_NE(found, nullptr) << expected.service << '.' << expected.name;
        EXPECT_EQ(found->number, expected.number);
        EXPECT_EQ(found->service, expected.service);
        EXPECT_EQ(found->name, expected.name);
        EXPECT_EQ(found->streaming, expected.streaming) << found->full_name();
        ASSERT_NE(found->descriptor, nullptr);
        EXPECT_EQ(found->descriptor->name(), expected.name);
        EXPECT_EQ(methods().find(expected.service, expected.name), found);
    }
}

TEST(method_table, holds_nothing_else) {
    EXPECT_EQ(methods().all().size(), std::size(expectations));
    for (const std::uint16_t number : {0x0000, 0x0003, 0x0100, 0x010a, 0x0308, 0x0702, 0xffff})
        EXPECT_EQ(methods().find(number), nullptr) << number;
}

TEST(method_table, lists_methods_in_the_order_of_their_numbers) {
    std::uint16_t last = 0;
    for (const auto& entry : methods().all()) {
        EXPECT_GT(entry.number, last);
        last = entry.number;
    }
}

TEST(method_table, finds_by_service_and_name_only_together) {
    EXPECT_EQ(methods().find("FrontEnd", "Commit"), nullptr);
    EXPECT_EQ(methods().find("", "Commit"), nullptr);
    EXPECT_EQ(methods().find("frontend", "ListGames"), nullptr);
}

TEST(method_table, text_with_a_service_means_one_method) {
    const auto found = methods().find_by_text("frontend.queryscorebygame");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0]->full_name(), "FrontEnd.QueryScoreByGame");
}

TEST(method_table, a_bare_name_may_mean_several) {
    EXPECT_EQ(methods().find_by_text("QueryScoreByGame").size(), 2u);
    EXPECT_EQ(methods().find_by_text("Commit").size(), 1u);
    EXPECT_TRUE(methods().find_by_text("Nonsense").empty());
    EXPECT_TRUE(methods().find_by_text("").empty());
}

TEST(method_table, a_number_used_twice_is_a_bug_in_the_proto_files) {
    EXPECT_THROW(method_table(*pool_with_two_methods(7, 7), {"two.proto"}), std::logic_error);
}

TEST(method_table, a_method_without_a_number_is_left_out) {
    const auto pool = pool_with_two_methods(7, 0);
    const method_table table(*pool, {"two.proto"});
    ASSERT_EQ(table.all().size(), 1u);
    EXPECT_EQ(table.find(7)->full_name(), "Two.Method0");
}

TEST(method_table, an_unknown_file_is_refused) {
    EXPECT_THROW(method_table(pb::DescriptorPool(), {"none.proto"}), std::logic_error);
}

// What the debug client does: rebuild the methods from what a server describes.
TEST(describe_methods, is_closed_under_imports_and_leads_to_the_same_table) {
    const auto described = describe_methods();
    pb::DescriptorPool pool;
    std::vector<std::string> files;
    for (const auto& file : described.file()) {
        ASSERT_NE(pool.BuildFile(file), nullptr) << file.name() << " comes before something it imports";
        files.push_back(file.name());
    }
    const method_table table(pool, files);
    ASSERT_EQ(table.all().size(), methods().all().size());
    for (const auto& entry : methods().all()) {
        const auto* same = table.find(entry.number);
        ASSERT_NE(same, nullptr) << entry.full_name();
        EXPECT_EQ(same->full_name(), entry.full_name());
        EXPECT_EQ(same->streaming, entry.streaming);
    }
}

} // namespace
} // namespace stadion::wire
