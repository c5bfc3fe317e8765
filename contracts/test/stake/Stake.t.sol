// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ILedger} from "../../src/interfaces/ILedger.sol";
import {IStake} from "../../src/interfaces/IStake.sol";
import {Base} from "../support/Base.sol";
import {FeeToken} from "../support/Tokens.sol";

contract StakeTest is Base {
    address private constant VAULT = address(0x7A017);

    function deployStake(ILedger ledger_, uint40 delay) public returns (IStake) {
        return IStake(vm.deployCode("Stake.sol:Stake", abi.encode(ledger_, delay)));
    }

    function put(address who, uint96 amount) private {
        vm.prank(who);
        stake.stake(who, amount);
    }

    function leave(uint96 amount) private {
        vm.prank(provider);
        stake.leave(amount);
    }

    function unstake() private {
        vm.prank(provider);
        stake.unstake();
    }

    function test_RevertGiven_ALeaveDelayShorterThanTheLedgers() external {
        vm.expectRevert(abi.encodeWithSelector(IStake.DelayOutOfRange.selector, DELAY - 1, DELAY, 365 days));
        this.deployStake(ledger, DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IStake.DelayOutOfRange.selector, 365 days + 1, DELAY, 365 days));
        this.deployStake(ledger, 365 days + 1);
    }

    function test_Stake_ItAddsToTheRecipient() external {
        vm.expectEmit(address(stake));
        emit IStake.Staked(provider, 100);
        vm.prank(renter);
        stake.stake(provider, 100);
        put(provider, 50);
        vm.assertEq(stake.stakeOf(provider), 150, "stake");
        vm.assertEq(stake.stakeOf(renter), 0, "caller");
        vm.assertEq(token.balanceOf(address(stake)), 150, "balance");
    }

    function test_Stake_GivenAPermit_ItNeedsNoApproval() external {
        token.transfer(stranger, 100);
        IERC20Permit p = IERC20Permit(address(token));
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                stranger,
                address(stake),
                100,
                0,
                START
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(STRANGER, keccak256(abi.encodePacked(hex"1901", p.DOMAIN_SEPARATOR(), hash)));
        p.permit(stranger, address(stake), 100, START, v, r, s); // somebody was faster with it
        vm.prank(stranger);
        stake.stakeWithPermit(stranger, 100, START, v, r, s);
        vm.assertEq(stake.stakeOf(stranger), 100, "stake");
    }

    function test_RevertWhen_TheRecipientIsZeroOrTheTokenKeepsAFee() external {
        vm.expectRevert(IStake.ZeroAddress.selector);
        stake.stake(address(0), 1);

        token = new FeeToken(address(this), FUNDS);
        ledger = ILedger(vm.deployCode("Ledger.sol:Ledger", abi.encode(token, DELAY)));
        stake = deployStake(ledger, LEAVE_DELAY);
        token.approve(address(stake), FUNDS);
        vm.expectRevert(abi.encodeWithSelector(IStake.FeeOnTransfer.selector, 100, 99));
        stake.stake(renter, 100);
    }

    function test_Leave_ItMaturesAfterTheDelay() external {
        put(provider, 100);
        vm.expectEmit(address(stake));
        emit IStake.Leaving(provider, 60, START + LEAVE_DELAY);
        leave(60);
        vm.assertEq(stake.stakeOf(provider), 40, "what stands behind its word");
        (uint96 amount, uint96 leaving, uint40 leaveAt,) = stake.stakers(provider);
        vm.assertEq(amount, 100, "what can be slashed");
        vm.assertEq(leaving, 60, "leaving");
        vm.assertEq(leaveAt, START + LEAVE_DELAY, "leaveAt");
    }

    function test_RevertGiven_MoreThanIsStaked() external {
        put(provider, 100);
        vm.expectRevert(abi.encodeWithSelector(IStake.InsufficientStake.selector, provider, 100, 101));
        leave(101);
    }

    function test_Leave_WhenTheAmountIsZero_ItIsTakenBack() external {
        put(provider, 100);
        leave(60);
        leave(0);
        vm.assertEq(stake.stakeOf(provider), 100, "stake");
        pass(LEAVE_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotUnstakable.selector, provider, 0, 0));
        unstake();
    }

    function test_RevertGiven_NotAskedForOrNotMatureOrOver() external {
        put(provider, 100);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotUnstakable.selector, provider, 0, 0));
        unstake();
        leave(60);
        uint40 from = START + LEAVE_DELAY;
        pass(LEAVE_DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotUnstakable.selector, provider, from, from + WINDOW));
        unstake();
        pass(WINDOW + 1);
        vm.assertEq(stake.stakeOf(provider), 40, "in its last second");
        pass(1);
        vm.assertEq(stake.stakeOf(provider), 100, "after its window");
        vm.expectRevert(abi.encodeWithSelector(IStake.NotUnstakable.selector, provider, from, from + WINDOW));
        unstake();
    }

    function test_GivenItIsMature_ItPaysToThePayoutAddress() external {
        put(provider, 100);
        vm.prank(provider);
        ledger.setPayout(VAULT);
        leave(60);
        pass(LEAVE_DELAY);
        vm.expectEmit(address(stake));
        emit IStake.Unstaked(provider, VAULT, 60);
        unstake();
        vm.assertEq(token.balanceOf(VAULT), 60, "vault");
        vm.assertEq(stake.stakeOf(provider), 40, "left");
        vm.expectRevert(abi.encodeWithSelector(IStake.NotUnstakable.selector, provider, 0, 0));
        unstake();
    }

    function test_GivenPartWasSlashedMeanwhile_ItPaysWhatIsLeft() external {
        put(provider, 100);
        leave(100);
        vm.prank(provider);
        stake.admit(stranger, 70);
        vm.prank(stranger);
        stake.slash(provider, 70, stranger, "late");
        pass(LEAVE_DELAY);
        uint256 before = token.balanceOf(provider);
        unstake();
        vm.assertEq(token.balanceOf(provider) - before, 30, "paid");
        vm.assertEq(stake.stakeOf(provider), 0, "left");
    }
}
