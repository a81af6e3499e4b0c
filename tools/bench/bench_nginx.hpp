// nginx as the peer of REST reads, where it is installed: one small JSON body from memory, in processes of
// its own.
#pragma once

#include "wire/result.hpp"

#include <string>

namespace stadion::tools {

class bench_nginx {
public:
    // NOT_FOUND where it is not installed.
    static wire::result<bench_nginx> start(const std::string& body, std::size_t workers);
    bench_nginx(bench_nginx&& other) noexcept;
    bench_nginx& operator=(bench_nginx&&) = delete;
    ~bench_nginx();

    const std::string& address() const noexcept { return address_; }

private:
    bench_nginx() = default;
    int pid_ = -1;
    std::string folder_;
    std::string address_;
};

} // namespace stadion::tools
