#include "net/loop/child_process.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stadion::net {
namespace {

constexpr std::size_t line_bytes_max = 64 * 1024;
constexpr std::chrono::milliseconds last_lines_within{200};

int open_pid(int pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

wire::error failed(const std::string& what, int number) {
    return wire::make_error(wire::status::unavailable, what + ": " + std::strerror(number));
}

class pipe_end {
public:
    explicit pipe_end(int number) : number_(number) {}
    pipe_end(pipe_end&& other) noexcept : number_(other.release()) {}
    ~pipe_end() { close(); }

    int get() const noexcept { return number_; }
    int release() noexcept { return std::exchange(number_, -1); }
    void close() noexcept {
        if (number_ >= 0) ::close(release());
    }
    void write_byte() noexcept {
        while (::write(number_, "", 1) < 0 && errno == EINTR) {
        }
    }

private:
    int number_;
};

struct pipe_ends {
    pipe_end out, in; // the read end and the write end
};

std::optional<pipe_ends> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
    return pipe_ends{pipe_end(ends[0]), pipe_end(ends[1])};
}

// Signals are blocked until the child has restored their default actions.
int fork_with_signals_blocked() {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const int pid = ::fork();
    const int number = errno;
    if (pid != 0) ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = number;
    return pid;
}

[[noreturn]] void give_up(const char* what, const char* on) {
    const char* const parts[] = {"stadion: ", what, " ", on, ": ", ::strerrordesc_np(errno), "\n"};
    for (const char* part : parts)
        if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
    ::_exit(127);
}

// Runs in the child. Other threads of the parent may have held any lock at the fork, so this makes only
// system calls. It closes the inherited sockets and lock files first: they must be free when the parent has
// died.
[[noreturn]] void run_child(char** words, int output, int gate, bool ends_with_parent) {
    constexpr int gate_at = STDERR_FILENO + 1;
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(gate, gate_at) < 0)
        give_up("cannot arrange the descriptors of", words[0]);
    ::close_range(gate_at + 1, ~0u, 0);
    ::fcntl(gate_at, F_SETFD, FD_CLOEXEC);
    ::setpgid(0, 0);
    if (ends_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (const int one : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT}) ::sigaction(one, &standard, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    // End of file: the parent has died before it stored our pid.
    char go = 0;
    ssize_t size = 0;
    do size = ::read(gate_at, &go, 1);
    while (size < 0 && errno == EINTR);
    if (size != 1) ::_exit(0);
    ::execv(words[0], words);
    give_up("cannot run", words[0]);
}

} // namespace

std::string process_end::text() const {
    if (!known) return "ended";
    if (signal != 0) return "was killed by signal " + std::to_string(signal);
    return "exited with status " + std::to_string(exit_code);
}

// Outlives the child_process object while operations are pending; `handle` is empty by then.
struct child_process::shared : std::enable_shared_from_this<shared> {
    shared(worker& home, int pid_descriptor, int output_descriptor)
        : ended(home.context(), pid_descriptor),
          output(home.context()),
          last_lines(home.context()),
          text(line_bytes_max) {
        if (output_descriptor >= 0) output.assign(output_descriptor);
    }

    void read_lines() {
        if (!output.is_open()) return;
        asio::async_read_until(output, text, '\n',
                               [self = shared_from_this()](error_code failure, std::size_t size) {
                                   if (failure) return self->close_output();
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
                             self->wait_for_last_lines(how, running);
                         });
    }

    // Usually the last output has been read by now. The wait is bounded, because a grandchild may hold the
    // output open.
    void wait_for_last_lines(const process_end& how, bool& running) {
        tell_end = [this, how, &running] {
            auto on_end = std::exchange(handle.on_end, nullptr);
            if (!on_end) return;
            running = false;
            on_end(how);
        };
        if (!output.is_open()) return close_output();
        last_lines.expires_after(last_lines_within);
        last_lines.async_wait([self = shared_from_this()](error_code failure) {
            if (!failure) self->close_output();
        });
    }

    void close_output() {
        error_code ignored;
        output.close(ignored);
        last_lines.cancel();
        if (const auto tell = std::exchange(tell_end, nullptr)) tell();
    }

    asio::posix::stream_descriptor ended;
    asio::posix::stream_descriptor output;
    asio::steady_timer last_lines;
    std::function<void()> tell_end;
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
    shared_->tell_end = nullptr;
    shared_->last_lines.cancel();
    error_code ignored;
    shared_->ended.close(ignored);
    // For a process that goes on, the output stays open, so that no broken pipe kills it.
    if (!running_) shared_->output.close(ignored);
}

void child_process::send_signal(int signal) noexcept {
    if (running_) ::syscall(SYS_pidfd_send_signal, shared_->ended.native_handle(), signal, nullptr, 0);
}

wire::result<std::unique_ptr<child_process>> child_process::start(worker& home, const std::string& program,
                                                                  const std::vector<std::string>& arguments,
                                                                  handlers handle, const remember& before,
                                                                  lifetime how_long) {
    // Checked here to return an error; later failures show only in the child's exit status.
    if (::access(program.c_str(), X_OK) != 0) return failed("cannot start " + program, errno);
    auto output = make_pipe();
    auto gate = make_pipe();
    if (!output || !gate) return failed("cannot make a pipe", errno);

    std::vector<char*> words{const_cast<char*>(program.c_str())};
    for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    const int pid = fork_with_signals_blocked();
    if (pid < 0) return failed("cannot start " + program, errno);
    if (pid == 0) run_child(words.data(), output->in.get(), gate->out.get(), how_long == lifetime::of_parent);
    output->in.close();
    const int watched = open_pid(pid);
    if (watched < 0) {
        const int number = errno;
        gate->in.close();
        ::waitpid(pid, nullptr, 0);
        return failed("cannot watch process " + std::to_string(pid), number);
    }
    std::unique_ptr<child_process> child(
        new child_process(home, pid, watched, output->out.release(), std::move(handle), true));
    if (before) before(pid);
    gate->in.write_byte();
    return child;
}

wire::result<std::unique_ptr<child_process>> child_process::adopt(worker& home, int pid, handlers handle) {
    const int descriptor = open_pid(pid);
    if (descriptor < 0)
        return wire::make_error(wire::status::not_found, "no process " + std::to_string(pid) + " is running");
    return std::unique_ptr<child_process>(
        new child_process(home, pid, descriptor, -1, std::move(handle), false));
}

void open_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(stream, F_GETFD) < 0 && errno == EBADF)
            ::open("/dev/null", O_RDWR); // gets the lowest free number
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
