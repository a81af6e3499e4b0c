#include "test/net/raw_client.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stadion::net {
namespace {

// Uses up all descriptors of this process while it lives.
class no_descriptors_left {
public:
    no_descriptors_left() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        auto few = before_;
        few.rlim_cur = 128;
        ::setrlimit(RLIMIT_NOFILE, &few);
        for (int one; (one = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.push_back(one);
    }
    ~no_descriptors_left() {
        for (const int one : taken_) ::close(one);
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

private:
    rlimit before_{};
    std::vector<int> taken_;
};

TEST(listener, without_descriptors_it_turns_callers_away_and_lives_on) {
#ifdef STADION_SANITIZED
    GTEST_SKIP() << "the sanitizers need descriptors themselves, to look at memory";
#endif
    served one;
    asio::io_context context;
    std::vector<tcp::socket> callers;
    for (int i = 0; i < 5; ++i) callers.emplace_back(context, tcp::v4());
    one.threads.run_on_each([](worker&) {}); // the threads have closed what they open at their start
    {
        const no_descriptors_left exhausted;
        for (auto& caller : callers) {
            caller.connect({asio::ip::address_v4::loopback(), one.port});
            char byte = 0;
            error_code failure;
            caller.read_some(asio::buffer(&byte, 1), failure); // is told, and does not hang
            EXPECT_TRUE(failure) << "the connection should have been closed";
        }
    }
    raw_client again(one.port);
    again.hello();
    EXPECT_EQ(again.next().header.kind, wire::frame_kind::welcome);
}

TEST(listener, a_taken_port_is_refused_with_advice) {
    served one;
    runtime threads(1);
    server second(threads, "frontend", {});
    const auto refused = second.listen("127.0.0.1", one.port);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("is in use; choose another with --port"), std::string::npos);
    threads.stop();
}

TEST(listener, connections_are_spread_over_the_workers) {
    served one;
    std::vector<std::unique_ptr<raw_client>> callers;
    for (int i = 0; i < 20; ++i) {
        callers.push_back(std::make_unique<raw_client>(one.port));
        callers.back()->hello();
        callers.back()->next();
    }
    EXPECT_EQ(one.threads.at(0).connections, 10u);
    EXPECT_EQ(one.threads.at(1).connections, 10u);
}

} // namespace
} // namespace stadion::net
