#include "dispatcher/service/supervisor_driver.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <future>
#include <mutex>
#include <set>
#include <thread>

namespace stadion::dispatcher {
namespace {

using namespace std::chrono_literals;

constexpr auto long_enough = 20s;
const std::string own = "127.0.0.1:7400"; // the dispatcher's address

// Children are shells that say what a server says and then wait to be told to stop.
class SupervisorDriver : public testing::Test {
protected:
    SupervisorDriver() {
        supervisor_options options;
        options.program = "/bin/sh";
        options.arguments = [this](const std::string& kind, const std::string& address) {
            return std::vector<std::string>{"-c", script(kind, address)};
        };
        options.restarts.delay_first = 1ms;
        on_worker([&] {
            driver = std::make_unique<supervisor_driver>(home, options);
            driver->on_change = [this] {
                const std::lock_guard lock(mutex);
                children = driver->table().running();
                changed.notify_all();
            };
        });
    }
    ~SupervisorDriver() override {
        on_worker([&] { driver->kill_all(); });
        on_worker([&] { driver.reset(); });
        threads.stop();
    }

    virtual std::string script(const std::string& kind, const std::string& address) {
        const auto bound = address.ends_with(":0") ? "127.0.0.1:4242" : address;
        return "echo ready " + kind + " " + bound + "; exec tail -f /dev/null";
    }

    void on_worker(const std::function<void()>& task) {
        std::promise<void> done;
        home.post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }

    std::vector<child_record> wait_for(const std::function<bool(const std::vector<child_record>&)>& holds) {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, long_enough, [&] { return holds(children); }));
        return children;
    }

    bool stop(std::chrono::milliseconds bound) {
        std::promise<void> done;
        on_worker([&] { driver->stop(bound, [&] { done.set_value(); }); });
        return done.get_future().wait_for(long_enough) == std::future_status::ready;
    }

    net::runtime threads{1};
    net::worker& home = threads.at(0);
    std::unique_ptr<supervisor_driver> driver;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<child_record> children;
};

TEST_F(SupervisorDriver, StartsChildrenAndLearnsWhereTheyServe) {
    on_worker([&] { driver->begin({{}, {{"frontend", "127.0.0.1:0", 0, 0}}}, own); });
    const auto running =
        wait_for([](const auto& all) { return all.size() == 1 && all[0].address == "127.0.0.1:4242"; });
    EXPECT_NE(running.at(0).pid, 0u);
    EXPECT_EQ(net::process_born(static_cast<int>(running.at(0).pid)), running.at(0).born);
}

TEST_F(SupervisorDriver, StartsAChildThatDiedAgainAtItsAddress) {
    on_worker([&] { driver->begin({{}, {{"frontend", "127.0.0.1:0", 0, 0}}}, own); });
    const auto first =
        wait_for([](const auto& all) { return all.size() == 1 && all[0].address.ends_with("4242"); });
    ::kill(static_cast<int>(first.at(0).pid), SIGKILL);
    const auto second =
        wait_for([&](const auto& all) { return all.size() == 1 && all[0].pid != first.at(0).pid; });
    EXPECT_EQ(second.at(0).address, first.at(0).address);
    on_worker([&] { EXPECT_EQ(driver->restarts(), 1u); });
}

TEST_F(SupervisorDriver, AdoptsWhatLivesAndStartsWhatDoesNot) {
    on_worker([&] { driver->begin({{}, {{"dbserver", "127.0.0.1:7500", 0, 0}}}, own); });
    const auto before = wait_for([](const auto& all) { return all.size() == 1; });
    auto gone = before.at(0);
    gone.kind = "frontend";
    gone.born += 1; // an earlier process that had this pid
    on_worker([&] {
        supervisor_options options;
        options.program = "/bin/sh";
        options.arguments = [this](const auto& kind, const auto& address) {
            return std::vector<std::string>{"-c", script(kind, address)};
        };
        driver = std::make_unique<supervisor_driver>(home, options); // the next dispatcher
        driver->begin({{before.at(0), gone}, {}}, own);
        const auto running = driver->table().running();
        ASSERT_EQ(running.size(), 2u);
        EXPECT_EQ(running[0], before.at(0));
        EXPECT_NE(running[1].pid, before.at(0).pid);
    });
}

TEST_F(SupervisorDriver, RecordsAChildBeforeItRuns) {
    std::promise<std::string> program;
    on_worker([&] {
        driver->on_change = [&, told = false]() mutable {
            const auto running = driver->table().running();
            if (running.empty() || std::exchange(told, true)) return;
            const auto link = "/proc/" + std::to_string(running[0].pid) + "/exe";
            program.set_value(std::filesystem::read_symlink(link).string());
        };
        driver->begin({{}, {{"frontend", "127.0.0.1:0", 0, 0}}}, own);
    });
    EXPECT_EQ(program.get_future().get(), net::own_program_path()) << "it is forked and waits";
    on_worker([&] { driver->on_change = nullptr; });
}

TEST_F(SupervisorDriver, StartsAChildAnewThatReportsToAnotherAddress) {
    on_worker([&] { driver->begin({{}, {{"frontend", "127.0.0.1:0", 0, 0}}}, "127.0.0.1:7399"); });
    const auto before = wait_for([](const auto& all) { return all.size() == 1; });
    on_worker([&] {
        supervisor_options options;
        options.program = "/bin/sh";
        options.arguments = [this](const auto& kind, const auto& address) {
            return std::vector<std::string>{"-c", script(kind, address)};
        };
        options.restarts.delay_first = 1ms;
        auto on_change = driver->on_change;
        driver = std::make_unique<supervisor_driver>(home, options); // the next dispatcher
        driver->on_change = on_change;
        driver->begin({before, {}}, own);
    });
    const auto after =
        wait_for([&](const auto& all) { return all.size() == 1 && all[0].pid != before.at(0).pid; });
    EXPECT_EQ(after.at(0).dispatcher, own);
}

TEST_F(SupervisorDriver, StopsFrontEndsBeforeTheDatabaseServer) {
    on_worker([&] {
        driver->begin({{}, {{"dbserver", "127.0.0.1:7500", 0, 0}, {"frontend", "127.0.0.1:7401", 0, 0}}},
                      own);
    });
    wait_for([](const auto& all) { return all.size() == 2; });
    // A change is also a child that says where it serves, so only the states with one child left tell.
    std::set<std::string> left;
    on_worker([&] {
        driver->on_change = [&] {
            const auto running = driver->table().running();
            if (running.size() == 1) left.insert(running[0].kind);
        };
    });
    ASSERT_TRUE(stop(10s));
    on_worker([&] { driver->on_change = nullptr; });
    EXPECT_EQ(left, std::set<std::string>{"dbserver"});
}

class ChildrenThatCannotServe : public SupervisorDriver {
protected:
    std::string script(const std::string&, const std::string&) override {
        return "echo failed no room for me; exit 1";
    }
};

TEST_F(ChildrenThatCannotServe, AreReportedWithTheirLastWords) {
    on_worker([&] { driver->begin({{}, {{"frontend", "127.0.0.1:7401", 0, 0}}}, own); });
    child_table::report seen;
    for (const auto until = std::chrono::steady_clock::now() + long_enough;
         seen.restarts == 0 && std::chrono::steady_clock::now() < until; std::this_thread::yield())
        on_worker([&] { seen = driver->table().reports(std::chrono::steady_clock::now()).at(0); });
    EXPECT_EQ(seen.last_words, "no room for me");
    EXPECT_EQ(seen.last_end, "exited with status 1");
}

class UnwillingChildren : public SupervisorDriver {
protected:
    std::string script(const std::string& kind, const std::string& address) override {
        return "trap '' TERM; echo ready " + kind + " " + address +
               "; exec tail -f /dev/null"; // ignores it too
    }
};

TEST_F(UnwillingChildren, AreKilledWhenTheBoundHasPassed) {
    on_worker([&] { driver->begin({{}, {{"frontend", "127.0.0.1:7401", 0, 0}}}, own); });
    wait_for([](const auto& all) { return all.size() == 1; });
    ASSERT_TRUE(stop(50ms));
    on_worker([&] { EXPECT_TRUE(driver->table().all().empty()); });
}

} // namespace
} // namespace stadion::dispatcher
