// What `stadion bench` compares a server to: a minimal Asio server in a process of its own on the same
// machine. It only moves bytes. All ratios are to it, measured in the same run, but for those to nginx.
//
// It has two ports. The first sends back what it receives. The second broadcasts: what a connection sends
// goes to all connections that have sent nothing themselves, and back to the sender.
#pragma once

#include "wire/result.hpp"

#include <string>

namespace stadion::tools {

class bench_echo {
public:
    // Forks; to be called before the process has threads. The child ends with its parent.
    static wire::result<bench_echo> start(std::size_t threads);
    bench_echo(bench_echo&& other) noexcept;
    bench_echo& operator=(bench_echo&&) = delete;
    ~bench_echo();

    const std::string& address() const noexcept { return echo_; }
    const std::string& broadcast_address() const noexcept { return broadcast_; }
    int pid() const noexcept { return pid_; }

private:
    bench_echo() = default;
    int pid_ = -1;
    std::string echo_;
    std::string broadcast_;
};

} // namespace stadion::tools
