#include "net/os/private_files.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <stdlib.h>
#include <sys/stat.h>

namespace stadion::net {
namespace fs = std::filesystem;
namespace {

unsigned mode_of(const fs::path& path) {
    struct ::stat found {};
    return ::lstat(path.c_str(), &found) == 0 ? found.st_mode & 0777 : 0;
}

class private_files_test : public testing::Test {
protected:
    private_files_test() {
        std::string name = "/tmp/stadion-private-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        fs::permissions(folder_, fs::perms(0755));
    }
    ~private_files_test() override { fs::remove_all(folder_); }

    fs::path make(const fs::path& name) {
        const auto path = folder_ / name;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << "x";
        fs::permissions(path, fs::perms(0644));
        return path;
    }

    fs::path folder_;
};

TEST_F(private_files_test, what_is_ours_becomes_private_and_what_is_not_stays) {
    const auto table = make("tables/games/hockey.json"), memory = make("dispatcher.json"),
               notes = make("notes.txt");
    const auto outside = make("elsewhere");
    fs::create_symlink(outside, folder_ / "tables/link");
    EXPECT_TRUE(is_open_to_others(table));
    EXPECT_EQ(make_private(folder_), std::nullopt);
    EXPECT_EQ(mode_of(table), 0600u);
    EXPECT_EQ(mode_of(memory), 0600u);
    EXPECT_EQ(mode_of(folder_ / "tables"), 0700u);
    EXPECT_EQ(mode_of(folder_ / "tables/games"), 0700u);
    EXPECT_EQ(mode_of(folder_), 0700u);
    EXPECT_EQ(mode_of(notes), 0644u);
    EXPECT_EQ(mode_of(outside), 0644u);
    EXPECT_FALSE(is_open_to_others(table));
}

TEST_F(private_files_test, a_folder_that_is_not_there_yet_is_no_trouble) {
    EXPECT_EQ(make_private(folder_ / "none"), std::nullopt);
}

} // namespace
} // namespace stadion::net
