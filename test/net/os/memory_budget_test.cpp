#include "net/os/memory_budget.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stadion::net {
namespace {

class memory_budget_test : public testing::Test {
protected:
    memory_budget_test() {
        std::string name = "/tmp/stadion-budget-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        path_ = folder_ / "counts";
    }
    ~memory_budget_test() override { std::filesystem::remove_all(folder_); }

    // Runs `task` in a process of its own, because a process can join only once. Returns its result.
    template <typename Task>
    static pid_t begin(Task task) {
        const auto child = ::fork();
        if (child == 0) ::_exit(task());
        return child;
    }
    static int end(pid_t child) {
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    }

    std::filesystem::path folder_, path_;
};

// A pipe between this process and a child.
struct signal {
    signal() { [[maybe_unused]] const int made = ::pipe(ends); }
    ~signal() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void give() const { [[maybe_unused]] const auto sent = ::write(ends[1], "x", 1); }
    void take() const {
        char byte;
        [[maybe_unused]] const auto got = ::read(ends[0], &byte, 1);
    }
    int ends[2];
};

TEST_F(memory_budget_test, processes_count_together_and_the_dead_count_for_nothing) {
    const signal holds, looked;
    const auto holder = begin([&] {
        if (!join_memory_budget(path_)) return 1;
        held_bytes mine;
        mine.set(10 << 20);
        holds.give();
        looked.take();
        ::_exit(0); // without returning its bytes
    });
    holds.take();
    const auto sees = [&](bool others) {
        return begin([&, others] {
            if (!join_memory_budget(path_)) return 1;
            held_bytes mine;
            mine.set(1 << 20);
            std::size_t total = 0;
            for (int i = 0; i < 4096; ++i) total = bytes_held(); // its death is noticed after some readings
            return total == (others ? 11u << 20 : 1u << 20) ? 0 : 2;
        });
    };
    EXPECT_EQ(end(sees(true)), 0);
    looked.give();
    EXPECT_EQ(end(holder), 0);
    EXPECT_EQ(end(sees(false)), 0);
}

TEST_F(memory_budget_test, slots_of_the_dead_are_taken_again) {
    for (int i = 0; i < 200; ++i)
        ASSERT_EQ(end(begin([&] {
                      held_bytes mine;
                      mine.set(1 << 20);
                      return join_memory_budget(path_) ? 0 : 1;
                  })),
                  0);
    EXPECT_LT(std::filesystem::file_size(path_), 8192u);
}

TEST_F(memory_budget_test, the_file_is_ours_alone) {
    EXPECT_EQ(end(begin([&] { return join_memory_budget(path_) ? 0 : 1; })), 0);
    struct ::stat found {};
    ASSERT_EQ(::stat(path_.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600u);
    ::chmod(path_.c_str(), 0666);
    EXPECT_EQ(end(begin([&] { return join_memory_budget(path_) ? 0 : 1; })), 1);
    const auto link = folder_ / "link";
    ::symlink(path_.c_str(), link.c_str());
    EXPECT_EQ(end(begin([&] { return join_memory_budget(link) ? 0 : 1; })), 1);
}

TEST_F(memory_budget_test, without_the_file_a_process_has_an_eighth) {
    const auto alone = bytes_held_max();
    EXPECT_GT(alone, 0u);
    EXPECT_EQ(end(begin([&] {
                  if (!join_memory_budget(path_)) return 1;
                  return bytes_held_max() / 8 == alone ? 0 : 2;
              })),
              0);
    EXPECT_EQ(end(begin([&] { return join_memory_budget(folder_ / "none" / "counts") ? 1 : 0; })), 0);
}

} // namespace
} // namespace stadion::net
