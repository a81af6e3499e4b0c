#include "net/child_process.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <unistd.h>

namespace stadion::net {
namespace {

class child_process_test : public testing::Test {
protected:
    struct seen {
        std::promise<std::string> line;
        std::promise<process_end> end;
    };
    std::unique_ptr<child_process> start(seen& what, const std::vector<std::string>& arguments) {
        std::promise<wire::result<std::unique_ptr<child_process>>> started;
        home.post([&] {
            started.set_value(
                child_process::start(home, "/bin/sh", arguments,
                                     {[&](std::string_view line) { what.line.set_value(std::string(line)); },
                                      [&](process_end how) { what.end.set_value(how); }}));
        });
        auto outcome = started.get_future().get();
        EXPECT_TRUE(outcome);
        return std::move(*outcome);
    }
    void drop(std::unique_ptr<child_process> one) {
        std::promise<void> done;
        home.post([&] {
            one.reset();
            done.set_value();
        });
        done.get_future().wait();
    }

    runtime threads{1};
    worker& home = threads.at(0);
};

TEST_F(child_process_test, tells_its_lines_and_how_it_ended) {
    seen what;
    auto one = start(what, {"-c", "echo ready; exit 3"});
    EXPECT_EQ(what.line.get_future().get(), "ready");
    const auto how = what.end.get_future().get();
    EXPECT_EQ(how.exit_code, 3);
    EXPECT_EQ(how.text(), "exited with status 3");
    drop(std::move(one));
}

TEST_F(child_process_test, signals_reach_it) {
    seen what;
    auto one = start(what, {"-c", "echo up; read forever < /dev/zero"});
    what.line.get_future().wait();
    home.post([&] { one->send_signal(SIGKILL); });
    EXPECT_EQ(what.end.get_future().get().text(), "was killed by signal 9");
    drop(std::move(one));
}

TEST_F(child_process_test, a_program_that_is_not_there_is_an_error) {
    std::promise<bool> started;
    home.post([&] {
        auto outcome = child_process::start(home, "/nonexistent/program", {}, {});
        EXPECT_FALSE(outcome);
        started.set_value(bool(outcome));
    });
    EXPECT_FALSE(started.get_future().get());
}

TEST_F(child_process_test, an_adopted_process_is_noticed_when_it_ends) {
    seen what;
    auto one = start(what, {"-c", "echo up; read forever < /dev/zero"});
    what.line.get_future().wait();
    EXPECT_TRUE(process_born(one->pid()));
    std::promise<void> gone;
    std::unique_ptr<child_process> adopted;
    std::promise<void> ready;
    home.post([&] {
        auto outcome =
            child_process::adopt(home, one->pid(), {nullptr, [&](process_end) { gone.set_value(); }});
        ASSERT_TRUE(outcome);
        adopted = std::move(*outcome);
        ready.set_value();
    });
    ready.get_future().wait();
    home.post([&] { one->send_signal(SIGKILL); });
    gone.get_future().wait();
    what.end.get_future().wait();
    drop(std::move(adopted));
    drop(std::move(one));
}

TEST_F(child_process_test, a_pid_without_a_process_cannot_be_adopted) {
    EXPECT_FALSE(process_born(1 << 30));
    std::promise<bool> adopted;
    home.post([&] { adopted.set_value(bool(child_process::adopt(home, 1 << 30, {}))); });
    EXPECT_FALSE(adopted.get_future().get());
}

} // namespace
} // namespace stadion::net
