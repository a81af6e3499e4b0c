#include "dbserver/server/board_file.hpp"

#include "test/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace stadion::dbserver {
namespace {

namespace fs = std::filesystem;

class board_file_test : public testing::Test {
protected:
    board_file open(std::uint64_t sequence, bool salvaged = false) {
        auto opened = board_file::open(folder.path(), sequence, salvaged);
        EXPECT_TRUE(opened) << opened.error().message;
        return *std::move(opened);
    }
    fs::path path() const { return fs::path(folder.path()) / "board"; }

    test::temporary_directory folder;
};

TEST_F(board_file_test, a_store_keeps_its_board_from_start_to_start) {
    const auto first = open(0);
    EXPECT_NE(first.board(), 0u);
    EXPECT_EQ(first.reason(), "");
    const auto again = open(7);
    EXPECT_EQ(again.board(), first.board());
    EXPECT_EQ(again.reason(), "");
    EXPECT_EQ(open(7).board(), first.board());
}

TEST_F(board_file_test, a_store_in_a_new_folder_is_a_new_board) {
    const auto first = open(0);
    fs::remove(path());
    EXPECT_NE(open(0).board(), first.board());
}

TEST_F(board_file_test, a_copy_is_a_new_board_wherever_it_is_put) {
    const auto first = open(9);
    const auto backup = fs::path(folder.path()) / "backup";
    fs::copy_file(path(), backup);
    // In its place, as by cp -a: the file is another one.
    fs::remove(path());
    fs::copy_file(backup, path());
    const auto restored = open(9);
    EXPECT_NE(restored.board(), first.board());
    EXPECT_NE(restored.reason().find("copy"), std::string::npos) << restored.reason();
    // Over it, as by cp: the file is the one that the last start made, and says that it is another.
    {
        std::ifstream from(backup, std::ios::binary);
        std::ofstream over(path(), std::ios::binary | std::ios::trunc);
        over << from.rdbuf();
    }
    const auto again = open(9);
    EXPECT_NE(again.board(), first.board());
    EXPECT_NE(again.board(), restored.board());
}

TEST_F(board_file_test, a_folder_that_is_moved_is_no_copy) {
    const auto first = open(9);
    const auto elsewhere = fs::path(folder.path()) / "elsewhere";
    fs::create_directory(elsewhere);
    fs::rename(path(), elsewhere / "board");
    const auto moved = board_file::open(elsewhere.string(), 9, false);
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->board(), first.board());
}

TEST_F(board_file_test, a_store_that_has_less_than_it_had_has_gone_back) {
    const auto first = open(9);
    ASSERT_TRUE(first.write(12));
    const auto less = open(11);
    EXPECT_NE(less.board(), first.board());
    EXPECT_NE(less.reason().find("gone back"), std::string::npos) << less.reason();
    EXPECT_EQ(open(11).board(), less.board());
}

TEST_F(board_file_test, what_was_salvaged_is_a_new_board) {
    const auto first = open(9);
    EXPECT_NE(open(9, true).board(), first.board());
}

TEST_F(board_file_test, what_cannot_be_read_is_a_new_board) {
    const auto first = open(9);
    for (const auto* text : {"", "{}", "[1]", "{\"board\":0,\"sequence\":0,\"inode\":0,\"born_ns\":0}",
                             "{\"board\":-1,\"sequence\":1,\"inode\":1,\"born_ns\":1}"}) {
        std::ofstream(path(), std::ios::trunc) << text;
        const auto anew = open(9);
        EXPECT_NE(anew.board(), 0u);
        EXPECT_NE(anew.board(), first.board());
        EXPECT_EQ(open(9).board(), anew.board()) << text;
    }
}

TEST_F(board_file_test, may_be_renewed_while_it_is_open) {
    auto first = open(9);
    const auto before = first.board();
    ASSERT_TRUE(first.renew(9));
    EXPECT_NE(first.board(), before);
    EXPECT_EQ(open(9).board(), first.board());
}

} // namespace
} // namespace stadion::dbserver
