#include "net/os/descriptors.hpp"

#include <gtest/gtest.h>

#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stadion::net {
namespace {

// Runs in a process of its own, because limits are per process.
template <typename Task>
int in_child(rlim_t soft, rlim_t hard, Task task) {
    const auto child = ::fork();
    if (child == 0) {
        const rlimit limit{soft, hard};
        ::_exit(::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? task() : 99);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

TEST(descriptors, the_soft_limit_is_raised_to_the_hard_one) {
    EXPECT_EQ(in_child(100, 300,
                       [] { return raise_descriptor_limit() == 300 && descriptors_max() == 300 ? 0 : 1; }),
              0);
}

TEST(descriptors, clients_are_what_is_left_of_them) {
    EXPECT_EQ(in_child(1000, 1000,
                       [] {
                           const bool fewer =
                               clients_within_descriptors(10'000) == 1000 - descriptors_reserved;
                           return fewer && clients_within_descriptors(10) == 10 ? 0 : 1;
                       }),
              0);
    EXPECT_EQ(in_child(100, 100, [] { return clients_within_descriptors(10) == 0 ? 0 : 1; }), 0);
}

TEST(descriptors, that_none_is_left_is_said) {
    EXPECT_EQ(in_child(100, 100,
                       [] {
                           if (!check_descriptors()) return 1;
                           std::vector<int> open;
                           for (;;) {
                               const int one = ::open("/dev/null", O_RDONLY);
                               if (one < 0) break;
                               open.push_back(one);
                           }
                           const auto outcome = check_descriptors();
                           if (outcome || outcome.error().message.find("of 100") == std::string::npos)
                               return 2;
                           ::close(open.back());
                           return check_descriptors() ? 0 : 3;
                       }),
              0);
}

TEST(descriptors, those_left_are_counted) {
    EXPECT_EQ(in_child(500, 500,
                       [] {
                           std::vector<int> open;
                           for (int i = 0; i < 200; ++i) open.push_back(::open("/dev/null", O_RDONLY));
                           const auto left = descriptors_left();
                           return left <= 300 && left > 200 ? 0 : 1;
                       }),
              0);
}

} // namespace
} // namespace stadion::net
