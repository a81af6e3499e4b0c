// Who may do what. A token file grants roles to tokens. Without a token file every role is open to everybody,
// and the server may bind to loopback only.
//
// Threading: immutable after construction; any thread.
#pragma once

#include "wire/result.hpp"

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::net {

// Bits, so that a method can name the set of roles that may call it.
enum class role : std::uint8_t {
    reader = 0,    // anybody
    scorer = 1,    // writes scores and medals, freezes and reverses
    operator_ = 2, // drains, stops and restarts
    server = 4,    // the servers of the fleet among themselves
};

using role_set = std::uint8_t;

constexpr role_set roles(role one) noexcept { return static_cast<role_set>(one); }
constexpr role_set operator|(role a, role b) noexcept { return static_cast<role_set>(roles(a) | roles(b)); }

// A method with this set needs no role.
inline constexpr role_set anyone = 0;

class access_policy {
public:
    // Every role is open to every caller.
    access_policy() = default;

    // Reads lines of `role token`; empty lines and lines that begin with # are skipped.
    static wire::result<access_policy> from_file(const std::filesystem::path& path);
    static wire::result<access_policy> from_text(std::string_view text, std::string_view origin);

    bool is_open() const noexcept { return tokens_.empty(); }

    // The roles that `token` grants; an empty token grants none. UNAUTHENTICATED for an unknown token.
    wire::result<role_set> authenticate(std::string_view token) const;

    // The first token with that role, which this program shows to other servers; empty when there is none.
    std::string own_token(role as) const;

    // PERMISSION_DENIED, naming the roles, unless `have` holds one of `need`.
    static wire::result<void> check(role_set have, role_set need, std::string_view what);

    // FAILED_PRECONDITION for an address beyond loopback when there are no tokens.
    wire::result<void> check_bind(const boost::asio::ip::address& address) const;

private:
    struct entry {
        role as;
        std::string token;
    };
    std::vector<entry> tokens_;
};

} // namespace stadion::net
