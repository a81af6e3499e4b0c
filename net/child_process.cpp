#include "net/child_process.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace stadion::net {
namespace {

constexpr std::size_t line_bytes_max = 64 * 1024;

int open_pid(int pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

wire::error failed(const std::string& what, int number) {
    return wire::make_error(wire::status::unavailable, what + ": " + std::strerror(number));
}

} // namespace

std::string process_end::text() const {
    if (!known) return "ended";
    if (signal != 0) return "was killed by signal " + std::to_string(signal);
    return "exited with status " + std::to_string(exit_code);
}

// Outlives the child_process object while operations are pending; `handle` is emptied to silence it.
struct child_process::shared : std::enable_shared_from_this<shared> {
    shared(worker& home, int pid_descriptor, int output_descriptor)
        : ended(home.context(), pid_descriptor), output(home.context()), text(line_bytes_max) {
        if (output_descriptor >= 0) output.assign(output_descriptor);
    }

    void read_lines() {
        if (!output.is_open()) return;
        asio::async_read_until(output, text, '\n',
                               [self = shared_from_this()](error_code failure, std::size_t size) {
                                   if (failure) return self->output.close();
                                   std::string line(asio::buffers_begin(self->text.data()),
                                                    asio::buffers_begin(self->text.data()) +
                                                        static_cast<std::ptrdiff_t>(size) - 1);
                                   self->text.consume(size);
                                   if (self->handle.on_line) self->handle.on_line(line);
                                   self->read_lines();
                               });
    }

    void watch(int pid, bool is_child, bool& running) {
        ended.async_wait(asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this(), pid, is_child, &running](error_code failure) {
                             if (failure) return;
                             process_end how;
                             int status = 0;
                             if (is_child && ::waitpid(pid, &status, WNOHANG) == pid) {
                                 how.known = true;
                                 how.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
                                 how.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
                             }
                             auto on_end = std::exchange(self->handle.on_end, nullptr);
                             if (!on_end) return;
                             running = false;
                             on_end(how);
                         });
    }

    asio::posix::stream_descriptor ended;
    asio::posix::stream_descriptor output;
    asio::streambuf text;
    handlers handle;
};

child_process::child_process(worker& home, int pid, int pid_descriptor, int output, handlers handle,
                             bool is_child)
    : pid_(pid), shared_(std::make_shared<shared>(home, pid_descriptor, output)) {
    shared_->handle = std::move(handle);
    shared_->read_lines();
    shared_->watch(pid, is_child, running_);
}

child_process::~child_process() {
    shared_->handle = {};
    error_code ignored;
    shared_->ended.close(ignored);
    // The output stays open for a process that lives on: it must not be killed by a broken pipe.
    if (!running_) shared_->output.close(ignored);
}

void child_process::send_signal(int signal) noexcept {
    if (running_) ::syscall(SYS_pidfd_send_signal, shared_->ended.native_handle(), signal, nullptr, 0);
}

wire::result<std::unique_ptr<child_process>> child_process::start(worker& home, const std::string& program,
                                                                  const std::vector<std::string>& arguments,
                                                                  handlers handle) {
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return failed("cannot make a pipe", errno);

    std::vector<char*> words{const_cast<char*>(program.c_str())};
    for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    // Sockets are not inherited: a port must be free again when we are gone.
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    ::posix_spawnattr_init(&attributes);
    sigset_t none, standard;
    ::sigemptyset(&none);
    ::sigemptyset(&standard);
    for (const int one : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) ::sigaddset(&standard, one);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &standard);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes,
                               POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = -1;
    const int failure = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    ::close(pipe_ends[1]);
    if (failure != 0) {
        ::close(pipe_ends[0]);
        return failed("cannot start " + program, failure);
    }
    const int descriptor = open_pid(pid);
    if (descriptor < 0) {
        const int number = errno;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        ::close(pipe_ends[0]);
        return failed("cannot watch process " + std::to_string(pid), number);
    }
    return std::unique_ptr<child_process>(
        new child_process(home, pid, descriptor, pipe_ends[0], std::move(handle), true));
}

wire::result<std::unique_ptr<child_process>> child_process::adopt(worker& home, int pid, handlers handle) {
    const int descriptor = open_pid(pid);
    if (descriptor < 0)
        return wire::make_error(wire::status::not_found, "no process " + std::to_string(pid) + " is running");
    return std::unique_ptr<child_process>(
        new child_process(home, pid, descriptor, -1, std::move(handle), false));
}

std::string own_program_path() {
    std::error_code failure;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", failure);
    return failure ? std::string("stadion") : path.string();
}

std::optional<std::uint64_t> process_born(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(file, text)) return std::nullopt;
    // The second field is the name in parentheses and may hold anything; the 22nd is the start time.
    const auto close = text.rfind(')');
    if (close == std::string::npos) return std::nullopt;
    std::istringstream rest(text.substr(close + 1));
    std::string field;
    for (int i = 3; i <= 22; ++i)
        if (!(rest >> field)) return std::nullopt;
    return std::stoull(field);
}

} // namespace stadion::net
