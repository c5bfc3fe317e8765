// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ILedger} from "../../src/interfaces/ILedger.sol";
import {IStake} from "../../src/interfaces/IStake.sol";
import {Vm} from "./Vm.sol";

/// @notice A coin, a ledger and a stake over it, some people with keys, and short words for what they do.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint40 internal constant DELAY = 1 days;
    uint40 internal constant WINDOW = 1 days;
    uint40 internal constant LEAVE_DELAY = 7 days;
    uint40 internal constant START = 1_790_000_000;
    uint64 internal constant LANE = 1;
    uint64 internal constant LANE_2 = 2;
    bytes32 internal constant MEMO = "memo";
    uint96 internal constant FUNDS = 1000 ether;

    IERC20 internal token;
    ILedger internal ledger;
    IStake internal stake;

    // Keys; their addresses have the same names.
    uint256 internal constant RENTER = uint256(keccak256("renter"));
    uint256 internal constant RENTER_KEY = uint256(keccak256("renter's session key"));
    uint256 internal constant RENTER_2 = uint256(keccak256("another renter"));
    uint256 internal constant PROVIDER = uint256(keccak256("provider"));
    uint256 internal constant PROVIDER_KEY = uint256(keccak256("provider's session key"));
    uint256 internal constant PROVIDER_2 = uint256(keccak256("another provider"));
    uint256 internal constant STRANGER = uint256(keccak256("stranger"));
    address internal renter = vm.addr(RENTER);
    address internal renterKey = vm.addr(RENTER_KEY);
    address internal renter2 = vm.addr(RENTER_2);
    address internal provider = vm.addr(PROVIDER);
    address internal providerKey = vm.addr(PROVIDER_KEY);
    address internal provider2 = vm.addr(PROVIDER_2);
    address internal stranger = vm.addr(STRANGER);

    function setUp() public virtual {
        vm.warp(START);
        token = IERC20(vm.deployCode("Credit.sol:Credit", abi.encode(address(this), type(uint96).max)));
        ledger = ILedger(vm.deployCode("Ledger.sol:Ledger", abi.encode(token, DELAY)));
        stake = IStake(vm.deployCode("Stake.sol:Stake", abi.encode(ledger, LEAVE_DELAY)));
        fund(renter);
        fund(renter2);
        fund(provider);
    }

    /// @dev Gives coins to `who`, and both contracts leave to take them.
    function fund(address who) internal {
        token.transfer(who, FUNDS);
        vm.prank(who);
        token.approve(address(ledger), type(uint256).max);
        vm.prank(who);
        token.approve(address(stake), type(uint256).max);
    }

    // ---- time. Through cheat codes only: the optimizer takes block.timestamp for constant within a function. ----

    function now_() internal view returns (uint40) {
        return uint40(vm.getBlockTimestamp());
    }

    function pass(uint256 seconds_) internal {
        vm.warp(vm.getBlockTimestamp() + seconds_);
    }

    // ---- signatures ----

    function compact(uint256 key, bytes32 digest) internal pure returns (bytes32 r, bytes32 vs) {
        uint8 v;
        bytes32 s;
        (v, r, s) = vm.sign(key, digest);
        vs = bytes32(uint256(v - 27) << 255) | s;
    }

    function sig(uint256 key, bytes32 digest) internal pure returns (IStake.Sig memory x) {
        (x.r, x.vs) = compact(key, digest);
    }

    function voucher(uint256 key, address renter_, address provider_, uint64 lane, uint96 cumulative)
        internal
        view
        returns (ILedger.V memory v)
    {
        v = ILedger.V(renter_, lane, cumulative, MEMO, 0, 0);
        (v.r, v.vs) = compact(key, ledger.voucherDigest(renter_, provider_, lane, cumulative, MEMO));
    }

    function signedRes(uint256 key, address renter_, address provider_, uint64 lane, uint24 epoch, uint96 cap)
        internal
        view
        returns (ILedger.SignedRes memory x)
    {
        x = ILedger.SignedRes(renter_, provider_, lane, epoch, cap, now_() + 1 hours, 0, 0);
        (x.r, x.vs) = compact(key, ledger.reserveDigest(renter_, provider_, lane, epoch, cap, x.validUntil));
    }

    // ---- lists of one ----

    function one(ILedger.V memory v) internal pure returns (ILedger.V[] memory list) {
        list = new ILedger.V[](1);
        list[0] = v;
    }

    function one(ILedger.SignedRes memory x) internal pure returns (ILedger.SignedRes[] memory list) {
        list = new ILedger.SignedRes[](1);
        list[0] = x;
    }

    function one(address party, uint64 lane) internal pure returns (ILedger.LaneRef[] memory list) {
        list = new ILedger.LaneRef[](1);
        list[0] = ILedger.LaneRef(party, lane);
    }

    function one(address provider_, uint64 lane, uint96 cap) internal pure returns (ILedger.Res[] memory list) {
        list = new ILedger.Res[](1);
        list[0] = ILedger.Res(provider_, lane, cap);
    }

    // ---- what people do ----

    function deposit(address who, uint96 amount) internal {
        vm.prank(who);
        ledger.deposit(who, amount);
    }

    function reserve(address renter_, address provider_, uint64 lane, uint96 cap) internal {
        vm.prank(renter_);
        ledger.reserve(one(provider_, lane, cap));
    }

    function redeem(uint256 key, address renter_, address provider_, uint64 lane, uint96 cumulative)
        internal
        returns (uint256)
    {
        return ledger.redeem(provider_, one(voucher(key, renter_, provider_, lane, cumulative)));
    }

    function startRelease(address renter_, address provider_, uint64 lane) internal {
        vm.prank(renter_);
        ledger.startRelease(one(provider_, lane));
    }

    function setSigner(address account, address key, uint96 allowance, uint40 until) internal {
        vm.prank(account);
        ledger.setSigner(key, allowance, until);
    }

    /// @dev The `n`th lane that session key `key` may use.
    function laneOf(address key, uint32 n) internal pure returns (uint64) {
        return uint64(uint32(uint160(key))) << 32 | n;
    }

    // ---- what there is ----

    function depositOf(address who) internal view returns (uint96 x) {
        (x,,,) = ledger.accounts(who);
    }

    function earnedOf(address who) internal view returns (uint96 x) {
        (, x,,) = ledger.accounts(who);
    }

    function laneOf(address renter_, address provider_, uint64 lane) internal view returns (ILedger.Lane memory x) {
        (x.cap, x.paid, x.releaseAt, x.epoch) = ledger.lanes(renter_, provider_, lane);
    }

    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + x % (high - low + 1);
    }
}
