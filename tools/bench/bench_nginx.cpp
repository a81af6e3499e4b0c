#include "tools/bench/bench_nginx.hpp"

#include "tools/bench/bench_generator.hpp"

#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

namespace stadion::tools {
namespace {

constexpr int connect_tries = 100;
constexpr auto try_every = std::chrono::milliseconds(20);

// One that was free a moment ago.
int free_port() {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    ::bind(descriptor, plain, size);
    ::getsockname(descriptor, plain, &size);
    ::close(descriptor);
    return ntohs(address.sin_port);
}

std::string configuration(int port, const std::string& body, std::size_t workers) {
    return "daemon off; worker_processes " + std::to_string(workers) +
           "; pid nginx.pid; error_log stderr crit;\n"
           "events { worker_connections 1024; }\n"
           "http { access_log off; keepalive_requests 1000000000; default_type application/json;\n"
           "client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; "
           "scgi_temp_path s;\n"
           "server { listen 127.0.0.1:" +
           std::to_string(port) + "; location / { return 200 '" + body + "'; } } }\n";
}

} // namespace

wire::result<bench_nginx> bench_nginx::start(const std::string& body, std::size_t workers) {
    bench_nginx one;
    std::string program;
    for (const auto* path : {"/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"})
        if (program.empty() && ::access(path, X_OK) == 0) program = path;
    if (program.empty()) return wire::make_error(wire::status::not_found, "nginx is not installed");
    auto folder = (std::filesystem::temp_directory_path() / "stadion-bench-").string() + std::string(6, 'X');
    if (::mkdtemp(folder.data()) == nullptr)
        return wire::make_error(wire::status::internal, "cannot make a folder for nginx");
    one.folder_ = folder;
    const int port = free_port();
    std::ofstream(folder + "/nginx.conf") << configuration(port, body, workers);
    std::string arguments[] = {program, "-p", folder, "-c", "nginx.conf"};
    char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                    arguments[3].data(), arguments[4].data(), nullptr};
    if (const int failure = ::posix_spawn(&one.pid_, program.c_str(), nullptr, nullptr, argv, environ);
        failure != 0)
        return wire::make_error(wire::status::internal, "cannot start nginx");
    one.address_ = "127.0.0.1:" + std::to_string(port);
    for (int i = 0; i < connect_tries; ++i) {
        if (const auto connected = bench_connect(one.address_)) {
            ::close(*connected);
            return one;
        }
        std::this_thread::sleep_for(try_every);
    }
    return wire::make_error(wire::status::unavailable, "nginx does not serve");
}

bench_nginx::bench_nginx(bench_nginx&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      folder_(std::exchange(other.folder_, {})),
      address_(std::move(other.address_)) {}

bench_nginx::~bench_nginx() {
    if (pid_ > 0) {
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

} // namespace stadion::tools
