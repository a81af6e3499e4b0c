#include "tools/fleet/fleet_probe.hpp"

#include "wire/json.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>

namespace stadion::tools {
namespace {

// How an answer that is no success is put into a sentence.
std::string complaint_of(const net::http_response& answer) {
    auto text = answer.body.substr(0, 300);
    std::replace(text.begin(), text.end(), '\n', ' ');
    while (text.ends_with(' ')) text.pop_back();
    return "HTTP " + std::to_string(answer.status) + (text.empty() ? "" : ": " + text);
}

} // namespace

fleet_probe::fleet_probe(net::worker& home, std::string dispatcher, std::string token)
    : home_(home), dispatcher_(std::move(dispatcher)), token_(std::move(token)), http_(home) {}

net::awaitable<wire::result<net::http_response>> fleet_probe::get(std::string address, std::string target,
                                                                  std::chrono::milliseconds within) {
    net::http_client_request request;
    request.target = std::move(target);
    request.may_repeat = true;
    if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
    co_return co_await http_.ask_whole(std::move(address), std::move(request), within);
}

net::awaitable<fleet_report> fleet_probe::ask(std::chrono::milliseconds within) {
    fleet_report report;
    report.dispatcher = dispatcher_;
    net::http_client_request request;
    request.method = "POST";
    request.target = "/rpc/Dispatcher/GetAllServers";
    request.body = "{}";
    request.may_repeat = true;
    request.headers.emplace_back("Content-Type", "application/json");
    if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
    auto answer = co_await http_.ask_whole(dispatcher_, std::move(request), within);
    v1::GetAllServersResponse listed;
    if (!answer)
        report.failure = answer.error().message;
    else if (answer->status != 200)
        report.failure = complaint_of(*answer);
    else if (auto parsed = wire::from_json(answer->body, listed); !parsed)
        report.failure = parsed.error().message;
    if (!report.failure.empty()) co_return report;
    // Its absence is no failure: what the servers say of themselves counts.
    if (const auto status = co_await get(dispatcher_, "/status", within); status && status->status == 200)
        (void)read_election(status->body, report.election);

    if (const auto fleet = co_await get(dispatcher_, "/fleet", within); fleet && fleet->status == 200)
        (void)read_fleet(fleet->body, report);

    for (const auto& server : listed.servers()) report.servers.emplace_back().listed = server;
    std::size_t asking = report.servers.size();
    net::asio::steady_timer all_asked(home_.context(), net::asio::steady_timer::time_point::max());
    for (auto& server : report.servers)
        net::asio::co_spawn(home_.context(), ask_server(server, within), [&](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
            if (--asking == 0) all_asked.cancel();
        });
    net::error_code ignored;
    while (asking != 0) co_await all_asked.async_wait(net::asio::redirect_error(net::use_awaitable, ignored));
    co_await see_who_catches_up(report, within);
    co_return report;
}

// Everything was asked at about the same time, so a replica may well be behind. What counts is whether it
// gets to where the database server was then.
net::awaitable<void> fleet_probe::see_who_catches_up(fleet_report& report, std::chrono::milliseconds within) {
    std::uint64_t head = 0;
    for (const auto& server : report.servers)
        if (server.listed.kind() == "dbserver" && server.answers) head = std::max(head, server.sequence);
    const auto until = std::chrono::steady_clock::now() + within;
    for (auto& server : report.servers) {
        if (server.listed.kind() != "frontend" || !server.answers || !server.follows_database) continue;
        while (server.sequence < head && std::chrono::steady_clock::now() < until) {
            net::asio::steady_timer pause(home_.context(), std::chrono::milliseconds(20));
            co_await pause.async_wait(net::use_awaitable);
            const auto again = co_await get(server.listed.address(), "/status", within);
            if (!again || !read_status(again->body, server)) break;
        }
        if (server.sequence < head) server.behind = head - server.sequence;
    }
}

net::awaitable<void> fleet_probe::ask_server(server_report& server, std::chrono::milliseconds within) {
    const auto address = server.listed.address();
    const auto status = co_await get(address, "/status", within);
    if (!status || status->status != 200) {
        server.complaint = status ? complaint_of(*status) : status.error().message;
        co_return;
    }
    server.answers = read_status(status->body, server);
    if (!server.answers) {
        server.complaint = "its /status is not understood";
        co_return;
    }
    const auto ready = co_await get(address, "/readyz", within);
    server.ready = ready && ready->status == 200;
    if (!server.ready) server.complaint = ready ? complaint_of(*ready) : ready.error().message;
    if (const auto metrics = co_await get(address, "/metrics", within); metrics && metrics->status == 200)
        server.requests = static_cast<std::uint64_t>(
            sum_of_metric(metrics->body, "stadion_requests_total", "method=\"Peer.") +
            sum_of_metric(metrics->body, "stadion_http_requests_total"));
}

} // namespace stadion::tools
