#include "tools/bench/bench_echo.hpp"

#include "net/loop/asio.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <set>
#include <thread>

namespace stadion::tools {
namespace {

using net::tcp;
namespace asio = boost::asio;

constexpr std::size_t buffer_size = 64 * 1024;
constexpr std::size_t first_read_size = 512; // all that an idle connection holds

// Writes back what it reads. Its buffer grows when a read fills it.
class echo_session : public std::enable_shared_from_this<echo_session> {
public:
    explicit echo_session(tcp::socket socket) : socket_(std::move(socket)), buffer_(first_read_size) {}

    void read() {
        socket_.async_read_some(
            asio::buffer(buffer_), [self = shared_from_this()](net::error_code failure, std::size_t size) {
                if (failure) return;
                asio::async_write(self->socket_, asio::buffer(self->buffer_, size),
                                  [self, size](net::error_code write_failure, std::size_t) {
                                      if (write_failure) return;
                                      if (size == self->buffer_.size()) self->buffer_.resize(buffer_size);
                                      self->read();
                                  });
            });
    }

private:
    tcp::socket socket_;
    std::vector<char> buffer_;
};

// Each member queues what it has not been sent yet and has at most one write under way.
class broadcaster {
public:
    struct member : std::enable_shared_from_this<member> {
        member(tcp::socket from, broadcaster& to) : socket(std::move(from)), owner(to), buffer(buffer_size) {}

        void read() {
            socket.async_read_some(asio::buffer(buffer),
                                   [self = shared_from_this()](net::error_code failure, std::size_t size) {
                                       if (failure) return self->owner.forget(self);
                                       self->speaks = true;
                                       for (const auto& one : self->owner.members_)
                                           if (one == self || !one->speaks)
                                               one->send({self->buffer.data(), size});
                                       self->read();
                                   });
        }
        void send(std::string_view bytes) {
            queued.append(bytes);
            if (!writing) write();
        }
        void write() {
            writing = true;
            std::swap(sending, queued);
            queued.clear();
            asio::async_write(socket, asio::buffer(sending),
                              [self = shared_from_this()](net::error_code failure, std::size_t) {
                                  self->writing = false;
                                  if (failure) return self->owner.forget(self);
                                  if (!self->queued.empty()) self->write();
                              });
        }

        tcp::socket socket;
        broadcaster& owner;
        std::vector<char> buffer;
        std::string queued;
        std::string sending;
        bool speaks = false;
        bool writing = false;
    };

    void add(tcp::socket socket) {
        auto one = std::make_shared<member>(std::move(socket), *this);
        members_.insert(one);
        one->read();
    }

private:
    void forget(const std::shared_ptr<member>& one) { members_.erase(one); }

    std::set<std::shared_ptr<member>> members_;
};

template <typename Take>
void accept(tcp::acceptor& acceptor, asio::io_context& into, Take take) {
    acceptor.async_accept(into, [&acceptor, &into, take](net::error_code failure, tcp::socket socket) {
        if (!failure) {
            socket.set_option(tcp::no_delay(true));
            take(std::move(socket));
        }
        accept(acceptor, into, take);
    });
}

tcp::acceptor listen(asio::io_context& context) {
    return tcp::acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
}

// Never returns. Each thread has a context. The first thread accepts; it hands echo connections to all
// threads in turn and keeps those of the broadcast.
[[noreturn]] void serve(std::size_t threads, int ports_to) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGINT, SIG_IGN);
    std::vector<std::unique_ptr<asio::io_context>> contexts;
    for (std::size_t i = 0; i < threads; ++i) contexts.push_back(std::make_unique<asio::io_context>(1));
    auto echo = listen(*contexts[0]);
    auto broadcast = listen(*contexts[0]);
    const std::uint16_t ports[] = {echo.local_endpoint().port(), broadcast.local_endpoint().port()};
    if (::write(ports_to, ports, sizeof ports) != sizeof ports) ::_exit(1);
    ::close(ports_to);

    std::size_t next = 0;
    const std::function<void()> accept_next = [&] {
        auto& into = *contexts[next++ % contexts.size()];
        echo.async_accept(into, [&](net::error_code failure, tcp::socket socket) {
            if (!failure) {
                socket.set_option(tcp::no_delay(true));
                auto session = std::make_shared<echo_session>(std::move(socket));
                asio::post(into, [session] { session->read(); });
            }
            accept_next();
        });
    };
    accept_next();
    broadcaster all;
    accept(broadcast, *contexts[0], [&all](tcp::socket socket) { all.add(std::move(socket)); });

    std::vector<std::thread> running;
    for (std::size_t i = 1; i < threads; ++i)
        running.emplace_back([&context = *contexts[i]] {
            const auto guard = asio::make_work_guard(context);
            context.run();
        });
    contexts[0]->run();
    ::_exit(0);
}

} // namespace

wire::result<bench_echo> bench_echo::start(std::size_t threads) {
    const auto failed = [] {
        return wire::make_error(wire::status::internal,
                                std::string("cannot start the echo: ") + std::strerror(errno));
    };
    int pipe[2];
    if (::pipe(pipe) != 0) return failed();
    bench_echo one;
    one.pid_ = ::fork();
    if (one.pid_ < 0) return failed();
    if (one.pid_ == 0) {
        ::close(pipe[0]);
        serve(std::max<std::size_t>(threads, 1), pipe[1]);
    }
    ::close(pipe[1]);
    std::uint16_t ports[2] = {};
    const auto size = ::read(pipe[0], ports, sizeof ports);
    ::close(pipe[0]);
    if (size != sizeof ports) return failed();
    one.echo_ = "127.0.0.1:" + std::to_string(ports[0]);
    one.broadcast_ = "127.0.0.1:" + std::to_string(ports[1]);
    return one;
}

bench_echo::bench_echo(bench_echo&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      echo_(std::move(other.echo_)),
      broadcast_(std::move(other.broadcast_)) {}

bench_echo::~bench_echo() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

} // namespace stadion::tools
