// The scenarios of `stadion bench`: each measured at a server and at its peer in turn, several times over.
#pragma once

#include "tools/bench/bench_echo.hpp"
#include "tools/bench/bench_generator.hpp"
#include "tools/bench/bench_report.hpp"

#include <functional>

namespace stadion::tools {

struct bench_plan {
    std::string address;      // of the server measured
    bool is_database = false; // a database server, else a front-end
    std::string database;     // the one behind that front-end, measured beside it; empty: not known
    int pid = 0;              // of the server; 0: not known
    std::string token;
    std::vector<std::string> only; // scenarios whose names begin with one of these; none: all
    std::size_t repeat = 3;
    std::size_t threads = 1;        // of the generator
    std::size_t server_threads = 2; // of the peers
    std::chrono::milliseconds measure{2'000};
    std::size_t idle_connections = 10'000;
    bool with_nginx = false;
};

class bench_suite {
public:
    bench_suite(bench_plan plan, const bench_echo& echo, std::function<void(const std::string&)> on_progress);

    // UNAVAILABLE, or the server's own refusal, when it cannot be measured at all.
    wire::result<std::vector<bench_row>> run();

private:
    struct shape {
        const char* name;
        std::size_t connections;
        std::size_t outstanding;
        double reach; // ratio to the echo; 0: none
    };

    bool is_wanted(const std::string& name) const;
    bench_row& begin(const std::string& name, const std::string& unit, const std::string& peer);
    wire::result<void> prepare();
    void run_queries(const shape& one, bool registered);
    void run_rest();
    void run_nginx(const std::string& body);
    void run_updates(const shape& one, const std::string& name, const std::string& address,
                     std::uint16_t number);
    void run_push(std::size_t subscribers);
    void run_memory();
    void compare(bench_row& row, const shape& load, const bench_traffic& ours, const bench_traffic& peers,
                 const std::string& peer_address, const std::string& address = {});

    bench_plan plan_;
    const bench_echo& echo_;
    std::function<void(const std::string&)> on_progress_;
    std::vector<bench_row> rows_;
};

} // namespace stadion::tools
