// A process this one started, or one that an earlier life of this one started: its end is noticed through a
// pidfd, so a reused pid is never mistaken for it.
//
// Threading: one worker. Nothing is waited for while blocking.
#pragma once

#include "net/loop/runtime.hpp"
#include "wire/result.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <optional>

namespace stadion::net {

struct process_end {
    bool known = false; // false for an adopted process: only that it is gone
    int exit_code = 0;
    int signal = 0;           // it was killed by this one, or 0
    std::string text() const; // "exited with status 1", "was killed by signal 9"
};

class child_process {
public:
    struct handlers {
        std::function<void(std::string_view line)> on_line; // of its standard output
        std::function<void(process_end)> on_end;            // once, after its last line; nothing follows it
    };

    // Called with the pid of a process that exists and does not run its program yet. It starts to when this
    // returns; when we die before, it ends without having done anything. So who remembers the pid here never
    // leaves a process behind that nobody knows of, whenever it is killed.
    using remember = std::function<void(int pid)>;

    enum class lifetime {
        own,       // it lives on when we die
        of_parent, // it gets SIGTERM when we die, however we do
    };

    // Runs `program` with `arguments`. Its standard error is ours, its standard output comes to `on_line`,
    // and it is in a process group of its own, so that Ctrl-C reaches only the one who stops it in order.
    // Besides these it inherits no descriptor. A program that cannot be run although its file is there ends
    // with status 127.
    static wire::result<std::unique_ptr<child_process>> start(worker& home, const std::string& program,
                                                              const std::vector<std::string>& arguments,
                                                              handlers handle, const remember& before = {},
                                                              lifetime how_long = lifetime::own);

    // Watches a process that is not our child. NOT_FOUND when there is none.
    static wire::result<std::unique_ptr<child_process>> adopt(worker& home, int pid, handlers handle);

    ~child_process(); // leaves the process alone
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;

    int pid() const noexcept { return pid_; }
    bool is_running() const noexcept { return running_; }
    void send_signal(int signal) noexcept;

private:
    struct shared;
    child_process(worker& home, int pid, int pid_descriptor, int output, handlers handle, bool is_child);

    int pid_;
    bool running_ = true;
    std::shared_ptr<shared> shared_;
};

// Puts /dev/null in the place of each standard stream that is closed. Else the next socket would have its
// number, and a client would get what is meant for the log. First thing in a program.
void hold_standard_streams();

// The path of the program that runs now, to start others of its kind.
std::string own_program_path();

// What tells a process apart from a later one with the same pid: its start time in clock ticks since boot.
std::optional<std::uint64_t> process_born(int pid);

} // namespace stadion::net
