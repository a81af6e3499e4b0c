#include "net/loop/child_process.hpp"

#include "test/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <future>
#include <thread>
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

std::string program_of(int pid) {
    std::error_code failure;
    return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", failure).string();
}

TEST_F(child_process_test, does_not_run_its_program_before_its_pid_is_remembered) {
    seen what;
    std::promise<std::string> then;
    std::unique_ptr<child_process> one;
    home.post([&] {
        auto started = child_process::start(home, "/bin/sh", {"-c", "echo ready"},
                                            {[&](auto) { what.line.set_value(""); }, nullptr},
                                            [&](int pid) { then.set_value(program_of(pid)); });
        ASSERT_TRUE(started);
        one = std::move(*started);
    });
    EXPECT_EQ(then.get_future().get(), own_program_path());
    what.line.get_future().wait();
    drop(std::move(one));
}

TEST_F(child_process_test, inherits_the_standard_streams_and_nothing_else) {
    const int inheritable = ::dup(STDERR_FILENO); // without close-on-exec
    seen what;
    auto one = start(what, {"-c", "n=0; while [ $n -lt 500 ]; do [ -e /proc/$$/fd/$n ] && printf '%s ' $n; "
                                  "n=$((n+1)); done; echo"});
    EXPECT_EQ(what.line.get_future().get(), "0 1 2 ");
    what.end.get_future().wait();
    drop(std::move(one));
    ::close(inheritable);
}

// EXPECT_EXIT runs the test again in another process, and that process dies. So the folder's name is passed
// in the environment.
class dying_parent : public testing::Test {
protected:
    dying_parent() {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        ::setenv(variable, directory.path().c_str(), 0);
        folder = ::getenv(variable);
    }
    ~dying_parent() override { ::unsetenv(variable); }

    // Starts a child, writes its pid to a file, and is killed, either while it starts the child or
    // afterwards.
    [[noreturn]] void start_and_die(child_process::lifetime how_long, bool in_the_midst) {
        runtime threads(1);
        threads.at(0).post([&] {
            const auto note = [&](int pid) {
                std::ofstream(folder / "pid") << pid << std::flush;
                if (in_the_midst) ::kill(::getpid(), SIGKILL);
            };
            auto started = child_process::start(
                threads.at(0), "/bin/sh",
                {"-c", "touch " + (folder / "ran").string() + "; while :; do sleep 0.1; done"}, {}, note,
                how_long);
            while (!std::filesystem::exists(folder / "ran")) std::this_thread::yield();
            ::kill(::getpid(), SIGKILL);
        });
        for (;;) ::pause();
    }
    int child() const {
        int pid = 0;
        std::ifstream(folder / "pid") >> pid;
        return pid;
    }
    // Gone, or a zombie.
    static bool is_gone(int pid) {
        std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
        std::string text;
        if (!std::getline(file, text)) return true;
        return text.substr(text.rfind(')')).starts_with(") Z");
    }
    static bool ends(int pid) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!is_gone(pid) && std::chrono::steady_clock::now() < until) std::this_thread::yield();
        return is_gone(pid);
    }

    static constexpr const char* variable = "STADION_TEST_DYING_PARENT";
    test::temporary_directory directory;
    std::filesystem::path folder;
};

TEST_F(dying_parent, leaves_no_child_that_was_not_remembered) {
    EXPECT_EXIT(start_and_die(child_process::lifetime::own, true), testing::KilledBySignal(SIGKILL), "");
    ASSERT_NE(child(), 0);
    EXPECT_TRUE(ends(child()));
    EXPECT_FALSE(std::filesystem::exists(folder / "ran"));
}

TEST_F(dying_parent, takes_a_child_along_that_is_to_live_no_longer) {
    EXPECT_EXIT(start_and_die(child_process::lifetime::of_parent, false), testing::KilledBySignal(SIGKILL),
                "");
    ASSERT_NE(child(), 0);
    EXPECT_TRUE(ends(child()));
}

TEST_F(dying_parent, leaves_other_children_running) {
    EXPECT_EXIT(start_and_die(child_process::lifetime::own, false), testing::KilledBySignal(SIGKILL), "");
    ASSERT_NE(child(), 0);
    EXPECT_FALSE(is_gone(child()));
    ::kill(child(), SIGKILL);
}

} // namespace
} // namespace stadion::net
