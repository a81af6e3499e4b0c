// A process that this one started, or that an earlier run of this program started. Its end is noticed through
// a pidfd, so a process that reuses the pid is never mistaken for it.
//
// Threading: one worker. No call blocks.
#pragma once

#include "net/loop/runtime.hpp"
#include "wire/result.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <optional>

namespace stadion::net {

struct process_end {
    bool known = false; // false for an adopted process: how it ended is not known
    int exit_code = 0;
    int signal = 0;           // the signal that killed it, or 0
    std::string text() const; // "exited with status 1", "was killed by signal 9"
};

class child_process {
public:
    struct handlers {
        std::function<void(std::string_view line)> on_line; // a line of its standard output
        std::function<void(process_end)> on_end;            // once, after the last line
    };

    // Called with the pid of a process that exists but does not run its program yet. It runs the program when
    // this returns; when we die before, it ends without doing anything. So a parent that stores the pid here
    // never leaves an unknown process behind, at whatever moment it is killed.
    using remember = std::function<void(int pid)>;

    enum class lifetime {
        own,       // it outlives us
        of_parent, // it gets SIGTERM when we die in any way
    };

    // Runs `program` with `arguments`. Its standard error is ours, and its standard output goes to `on_line`.
    // It has a process group of its own, so that Ctrl-C reaches only us, and we stop it in order. It inherits
    // no other descriptor. When an executable file cannot be run, the process ends with status 127.
    static wire::result<std::unique_ptr<child_process>> start(worker& home, const std::string& program,
                                                              const std::vector<std::string>& arguments,
                                                              handlers handle, const remember& before = {},
                                                              lifetime how_long = lifetime::own);

    // Watches a process that is not our child. NOT_FOUND when there is none.
    static wire::result<std::unique_ptr<child_process>> adopt(worker& home, int pid, handlers handle);

    ~child_process(); // the process goes on
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

// Opens /dev/null for each standard stream that is closed. Otherwise the next socket would get its number,
// and a client would receive the log. Called first in a program.
void open_standard_streams();

// The path of the running program, for starting further processes of it.
std::string own_program_path();

// The start time of a process in clock ticks since boot, which tells it apart from a later one with that pid.
std::optional<std::uint64_t> process_born(int pid);

} // namespace stadion::net
