#include "dispatcher/service/state_file.hpp"
#include "test/support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace stadion::dispatcher {
namespace {

TEST(StateFile, PersistsAcrossLives) {
    const test::temporary_directory folder;
    {
        auto file = state_file::open(folder.path() + "/below/it");
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_EQ(file->content(), persistent_state{});
        auto next = file->content();
        next.lock.epoch = 7;
        next.children = {{"frontend", "127.0.0.1:7401", 4711, 99}};
        ASSERT_TRUE(file->change(next));
    }
    auto file = state_file::open(folder.path() + "/below/it");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->content().lock.epoch, 7u);
    EXPECT_EQ(file->content().children.size(), 1u);
}

TEST(StateFile, RefusesASecondDispatcherAndNamesTheFirst) {
    const test::temporary_directory folder;
    const auto first = state_file::open(folder.path());
    ASSERT_TRUE(first);
    const auto second = state_file::open(folder.path());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, wire::status::failed_precondition);
    EXPECT_THAT(second.error().message, testing::HasSubstr(std::to_string(::getpid())));
}

TEST(StateFile, RefusesADamagedFileAndNamesIt) {
    const test::temporary_directory folder;
    std::ofstream(folder.path() + "/dispatcher.json") << "{\"format\": 1, \"epoch\": \"high\"}";
    const auto file = state_file::open(folder.path());
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, wire::status::data_loss);
    EXPECT_THAT(file.error().message, testing::HasSubstr("dispatcher.json"));
}

TEST(StateFile, KeepsWhatItHadWhenItCannotWrite) {
    const test::temporary_directory folder;
    auto file = state_file::open(folder.path() + "/data");
    ASSERT_TRUE(file);
    std::filesystem::remove_all(folder.path() + "/data");
    auto next = file->content();
    next.lock.epoch = 7;
    EXPECT_FALSE(file->change(next));
    EXPECT_EQ(file->content().lock.epoch, 0u);
}

} // namespace
} // namespace stadion::dispatcher
