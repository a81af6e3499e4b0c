#include "tools/cat/method_catalog.hpp"

#include "wire/proto/board.pb.h"
#include "wire/proto/frontend.pb.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace stadion::tools {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<method_catalog> learn(const google::protobuf::FileDescriptorSet& files) {
    auto catalog = method_catalog::from(files);
    EXPECT_TRUE(catalog) << catalog.error().message;
    return catalog ? std::move(*catalog) : nullptr;
}

TEST(method_catalog, learns_the_numbers_and_shapes_of_methods) {
    const auto catalog = learn(wire::describe_methods());
    ASSERT_TRUE(catalog);
    EXPECT_EQ(catalog->methods().all().size(), wire::methods().all().size());
    const auto* method = catalog->methods().find("FrontEnd", "Subscribe");
    ASSERT_TRUE(method);
    EXPECT_EQ(method->number, 0x0207);
    EXPECT_TRUE(method->streaming);
}

TEST(method_catalog, the_order_of_the_files_does_not_matter) {
    auto files = wire::describe_methods();
    std::reverse(files.mutable_file()->begin(), files.mutable_file()->end());
    ASSERT_TRUE(learn(files));
}

TEST(method_catalog, json_and_bytes_go_both_ways) {
    const auto catalog = learn(wire::describe_methods());
    const auto& update = *catalog->methods().find("FrontEnd", "UpdateScoreByGame");
    const auto bytes =
        catalog->encode_request(update, R"({"game":"hockey","points":{"gauls":2},"status":"LIVE"})");
    ASSERT_TRUE(bytes) << bytes.error().message;
    v1::UpdateScoreByGameRequest request;
    ASSERT_TRUE(request.ParseFromString(*bytes));
    EXPECT_EQ(request.game(), "hockey");
    EXPECT_EQ(request.points().at("gauls"), 2);
    EXPECT_EQ(request.status(), v1::Score::LIVE);

    v1::Score score;
    score.set_game("hockey");
    score.set_updated_at(1.5);
    const auto json = catalog->decode_response(update, score.SerializeAsString());
    ASSERT_TRUE(json);
    EXPECT_THAT(*json, HasSubstr(R"("updated_at":1.5)"));
}

// A method that this program was never built with.
TEST(method_catalog, learns_what_it_has_never_seen) {
    auto files = wire::describe_methods();
    for (auto& file : *files.mutable_file()) {
        if (!file.name().ends_with("raffle.proto")) continue;
        auto& method = *file.mutable_service(0)->mutable_method(0);
        method.set_name("Conjure");
        auto& field = *file.mutable_message_type(1)->add_field();
        field.set_name("rabbits");
        field.set_number(9);
        field.set_type(google::protobuf::FieldDescriptorProto::TYPE_INT32);
        field.set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
    }
    const auto catalog = learn(files);
    ASSERT_TRUE(catalog);
    const auto found = catalog->methods().find_by_text("conjure");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0]->number, 0x0701);
    const auto bytes = catalog->encode_request(*found[0], R"({"rabbits":3})");
    ASSERT_TRUE(bytes) << bytes.error().message;
    EXPECT_EQ(*bytes, "\x48\x03");
}

TEST(method_catalog, describes_methods_services_and_messages) {
    const auto catalog = learn(wire::describe_methods());
    EXPECT_THAT(*catalog->describe("FrontEnd.UpdateScoreByGame"), HasSubstr("map<string, int32> points"));
    EXPECT_THAT(*catalog->describe("Raffle"), HasSubstr("0x0701  Raffle.GetRaffle"));
    EXPECT_THAT(*catalog->describe("Score"), HasSubstr("updated_at"));
    EXPECT_THAT(*catalog->describe("stadion.v1.Score"), HasSubstr("updated_at"));
    EXPECT_FALSE(catalog->describe("Nothing"));
}

TEST(method_catalog, says_where_json_does_not_fit) {
    const auto catalog = learn(wire::describe_methods());
    const auto& query = *catalog->methods().find("FrontEnd", "QueryScoreByGame");
    const auto wrong = catalog->encode_request(query, R"({"gmae":"hockey"})");
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, HasSubstr("gmae"));
    EXPECT_FALSE(catalog->decode_response(query, "\xff\xff"));
}

TEST(method_catalog, refuses_files_that_lack_their_imports) {
    auto files = wire::describe_methods();
    auto& list = *files.mutable_file();
    list.erase(std::remove_if(list.begin(), list.end(),
                              [](const auto& file) { return file.name().ends_with("board.proto"); }),
               list.end());
    EXPECT_FALSE(method_catalog::from(files));
}

} // namespace
} // namespace stadion::tools
