// What a load generator sends on a connection and how it recognises the answers. Requests are encoded
// beforehand, so that the generator only copies bytes and counts frames.
//
// Threading: immutable; one object serves all connections of all threads.
#pragma once

#include "wire/frame.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::tools {

class bench_traffic {
public:
    // What is at the front of the bytes received. `size` 0: not whole yet.
    struct answer {
        std::size_t size = 0;
        bool counts = false; // it answers the request `id`, or, with id 0, the oldest one
        bool failed = false;
        std::uint64_t id = 0;
    };

    virtual ~bench_traffic() = default;
    // What a connection begins with; `connection` counts over all of them.
    virtual void greet(std::string& out, std::size_t connection) const = 0;
    // Appends request `id` (1, 2, … on each connection).
    virtual void request(std::string& out, std::uint64_t id, std::size_t connection) const = 0;
    virtual answer look_at(std::string_view received) const = 0;
};

// Requests of the wire protocol: the same few bodies again and again.
class wire_traffic : public bench_traffic {
public:
    struct options {
        std::uint16_t method = 0;
        std::vector<std::string> bodies;
        bool with_keys = false;   // each request with an idempotency key of its own
        std::string number_after; // behind this text each body has a stamp; each request has its own
        std::string token;
        bool registers = false; // each connection registers as a client first
    };
    explicit wire_traffic(options wanted);

    void greet(std::string& out, std::size_t connection) const override;
    void request(std::string& out, std::uint64_t id, std::size_t connection) const override;
    answer look_at(std::string_view received) const override;

    // The size of the first request.
    std::size_t request_size() const noexcept { return frames_.front().bytes.size(); }

private:
    struct prepared {
        std::string bytes;
        std::size_t key_at = 0;    // 0: there is none
        std::size_t number_at = 0; // 0: there is none
    };
    std::string hello_;
    bool registers_;
    std::uint64_t run_; // tells the keys of this run from those of others
    std::vector<prepared> frames_;
};

// Frames of one size that an echo sends back as they are.
class echo_traffic : public bench_traffic {
public:
    explicit echo_traffic(std::size_t frame_size);

    void greet(std::string&, std::size_t) const override {}
    void request(std::string& out, std::uint64_t id, std::size_t connection) const override;
    answer look_at(std::string_view received) const override;

private:
    std::string frame_;
};

// GET of one path, over keep-alive connections.
class http_traffic : public bench_traffic {
public:
    http_traffic(const std::string& host, const std::string& path, const std::string& token);

    void greet(std::string&, std::size_t) const override {}
    void request(std::string& out, std::uint64_t, std::size_t) const override { out += request_; }
    answer look_at(std::string_view received) const override;

    std::size_t request_size() const noexcept { return request_.size(); }

private:
    std::string request_;
};

// A stamp says when an update was made: microseconds modulo 2^30, which is about 18 minutes. It is offset so
// that its varint always has five bytes and can be written over another one in an encoded message.
inline constexpr std::size_t stamp_size = 5;
std::uint32_t stamp_of(std::uint64_t microseconds) noexcept;
void write_stamp(char* to, std::uint32_t stamp) noexcept;
std::uint32_t read_stamp(const char* from) noexcept;
// Microseconds from one stamp to a later one.
std::uint32_t between(std::uint32_t earlier, std::uint32_t later) noexcept;

} // namespace stadion::tools
